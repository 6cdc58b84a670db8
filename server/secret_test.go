package server

import (
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/engine"
)

// parts reads a form whose boundary is b.
func parts(text []byte) (engine.Request, error) {
	r := engine.Request{Text: text}
	err := fromParts(&r, "b")
	return r, err
}

func TestIsSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "DB_PASSWORD": true, "mysql.rootPassword": true, "secretKey": true, "access.key": true, "private-key.data": true,
		"api_token": true, "credential": true, "Api-Key": true, "": false, "image": false, "passage": false, "key": false, "keyboard": false,
	} {
		if got := isSecret(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestMask(t *testing.T) {
	in := map[string]any{
		"list": []any{map[string]any{"token": "t", "n": 1}}, "password": map[string]any{"deep": "x"}, "secret": nil, "plain": "p",
	}
	want := map[string]any{
		"list": []any{map[string]any{"token": suppressed, "n": 1}}, "password": suppressed, "secret": nil, "plain": "p",
	}
	if got := mask("env", in); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if in["list"].([]any)[0].(map[string]any)["token"] != "t" {
		t.Error("the value itself was changed")
	}
	if got := mask("password", nil); got != nil {
		t.Errorf("a secret without a value is shown as %v", got)
	}
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
