package secret_test

import (
	"reflect"
	"testing"

	"github.com/gowanus-project/gowanus/internal/secret"
)

func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "DB_PASSWORD": true, "mysql.rootPassword": true, "secretKey": true, "access.key": true, "private-key.data": true,
		"api_token": true, "credential": true, "Api-Key": true, "": false, "image": false, "passage": false, "key": false, "keyboard": false,
	} {
		if got := secret.Named(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestMask(t *testing.T) {
	in := map[string]any{
		"list": []any{map[string]any{"token": "t", "n": 1}}, "password": map[string]any{"deep": "x"}, "secret": nil, "plain": "p",
	}
	want := map[string]any{
		"list": []any{map[string]any{"token": secret.Suppressed, "n": 1}}, "password": secret.Suppressed, "secret": nil, "plain": "p",
	}
	if got := secret.Mask("env", in); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if in["list"].([]any)[0].(map[string]any)["token"] != "t" {
		t.Error("the value itself was changed")
	}
	if got := secret.Mask("password", nil); got != nil {
		t.Errorf("a secret without a value is shown as %v", got)
	}
}
