package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine"
	"github.com/gowanus-project/gowanus/engine/fault"
)

// maxParts bounds the fields of a form.
const maxParts = 1000

// readBody reads the whole body within the limits of size and time.
func (s *Server) readBody(c echo.Context) ([]byte, error) {
	return s.readUpTo(c, s.limits.Body, "Body")
}

// readUpTo is readBody with a limit of its own, the field of Limits of that
// name.
func (s *Server) readUpTo(c echo.Context, most int64, name string) ([]byte, error) {
	if c.Request().ContentLength > most {
		c.Response().Header().Set("Connection", "close") // instead of reading it all
		return nil, tooLarge(most, name)
	}
	w := c.Response().Writer
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(s.limits.BodyTimeout))
	text, err := io.ReadAll(http.MaxBytesReader(w, c.Request().Body, most))
	_ = rc.SetReadDeadline(time.Time{})
	var more *http.MaxBytesError
	switch {
	case err == nil:
		return text, nil
	case errors.As(err, &more):
		return nil, tooLarge(most, name)
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fault.New(fault.Timeout, "the body did not arrive within %s (Limits.BodyTimeout)", s.limits.BodyTimeout)
		return nil, &failure{http.StatusRequestTimeout, err}
	}
	return nil, fault.New(fault.Invalid, "read the body: %w", err)
}

func tooLarge(most int64, name string) error {
	return fault.New(fault.Limit, "the body has more than %d bytes (Limits.%s)", most, name)
}

// mediaType gives the media type of the body and its parameters; one that
// cannot be parsed is like none.
func mediaType(c echo.Context) (string, map[string]string) {
	t, params, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil {
		return "", nil
	}
	return t, params
}

// readBlueprint reads a blueprint from the body, whatever its content type
// says: the text itself, or a form with the fields plan and format.
func (s *Server) readBlueprint(c echo.Context) (engine.Request, error) {
	text, err := s.readBody(c)
	if err != nil {
		return engine.Request{}, err
	}
	r := engine.Request{Text: text, Format: c.QueryParam("format"), MediaType: c.Request().Header.Get("Content-Type"), File: disposed(c.Request().Header.Get("Content-Disposition"))}
	switch t, params := mediaType(c); t {
	case "multipart/form-data":
		err = fromParts(&r, params["boundary"])
	case "application/x-www-form-urlencoded":
		fromForm(&r)
	}
	if err != nil {
		return r, err
	}
	return r, checkText(r.Text)
}

// checkText refuses what cannot be a blueprint, with more help than a parser
// could give.
func checkText(text []byte) error {
	line := strings.TrimSpace(string(text[:min(len(text), 2000)]))
	switch {
	case line == "":
		return fault.New(fault.Invalid, "Error in blueprint: it is empty; expected YAML")
	case !strings.ContainsAny(line, " \n") && (strings.HasPrefix(line, "http://") || strings.HasPrefix(line, "https://")):
		return fault.New(fault.Invalid, "Error in blueprint: it is the URL %s, which the server does not fetch; send the text behind it", line)
	}
	return nil
}

func fromParts(r *engine.Request, boundary string) error {
	parts := multipart.NewReader(bytes.NewReader(r.Text), boundary)
	found := false
	for n := 0; ; n++ {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && n == maxParts {
			return fault.New(fault.Limit, "the form has more than %d fields", maxParts)
		}
		var text []byte
		if err == nil {
			text, err = io.ReadAll(p)
		}
		if err != nil {
			return fault.New(fault.Invalid, "read the form: %w", err)
		}
		switch p.FormName() {
		case "plan":
			r.Text, r.File, found = text, fileName(p.FileName()), true
		case "format":
			r.Format = string(text)
		}
	}
	if !found {
		return fault.New(fault.Invalid, "Error in blueprint: the form has no field plan")
	}
	return nil
}

// fromForm reads a form. A text that is none, or has no plan, is the
// blueprint itself: curl --data-binary calls everything a form.
func fromForm(r *engine.Request) {
	form, err := url.ParseQuery(string(r.Text))
	if err != nil || !form.Has("plan") {
		return
	}
	r.Text = []byte(form.Get("plan"))
	if form.Has("format") {
		r.Format = form.Get("format")
	}
}

// disposed gives the file name of a Content-Disposition header.
func disposed(header string) string {
	_, params, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return fileName(params["filename"])
}

// readArguments reads named values from a JSON object or a form.
func (s *Server) readArguments(c echo.Context) (map[string]any, error) {
	text, err := s.readBody(c)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return map[string]any{}, err
	}
	if t, _ := mediaType(c); t == "application/x-www-form-urlencoded" && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		form, err := url.ParseQuery(string(text))
		if err != nil {
			return nil, fault.New(fault.Invalid, "read the form: %w", err)
		}
		args := make(map[string]any, len(form))
		for name, values := range form {
			if name != "" { // left by a parameter without a name
				args[name] = values[len(values)-1]
			}
		}
		return args, nil
	}
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	args, isMap := v.(map[string]any)
	if !isMap && v != nil {
		return nil, fault.New(fault.Invalid, "the body is not a JSON object")
	}
	return args, nil
}

// readValue reads one JSON value.
func (s *Server) readValue(c echo.Context) (any, error) {
	text, err := s.readBody(c)
	if err != nil {
		return nil, err
	}
	return decode(text)
}

// decode reads JSON; integers stay integers.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("something follows the value")
		}
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "the body is not JSON: %w", err)
	}
	return plainNumbers(v)
}

func plainNumbers(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n, nil
		}
		f, err := x.Float64()
		if err != nil || math.IsInf(f, 0) {
			return nil, fault.New(fault.Invalid, "the body is not JSON: the number %.40s is too large", x.String())
		}
		return f, nil
	case map[string]any:
		for k, item := range x {
			if x[k], err = plainNumbers(item); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, item := range x {
			if x[i], err = plainNumbers(item); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
