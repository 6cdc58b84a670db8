package server

import (
	"testing"

	"github.com/gowanus-project/gowanus/engine"
)

// parts reads a form whose boundary is b.
func parts(text []byte) (engine.Request, error) {
	r := engine.Request{Text: text}
	err := fromParts(&r, "b")
	return r, err
}

func TestMultipart(t *testing.T) {
	for _, c := range []struct{ body, text, file, format, err string }{
		{"--b\r\nContent-Disposition: form-data; name=\"plan\"; filename=\"x/app.yaml\"\r\n\r\nname: a\r\n--b\r\nContent-Disposition: form-data; name=\"format\"\r\n\r\ncamp\r\n--b--\r\n", "name: a", "app.yaml", "camp", ""},
		{"--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n", "", "", "", "Error in blueprint: the form has no field plan"},
		{"--b\r\nbroken", "", "", "", `read the form: malformed MIME header: missing colon: "broken"`},
	} {
		r, err := parts([]byte(c.body))
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("got %v, want %s", err, c.err)
			}
			continue
		}
		if err != nil || string(r.Text) != c.text || r.File != c.file || r.Format != c.format {
			t.Errorf("got %q %q %q %v", r.Text, r.File, r.Format, err)
		}
	}
}
