package hostile

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// unsigned encodes a number as WebAssembly does.
func unsigned(v int) []byte {
	var b []byte
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// constant is i32.const or i64.const.
func constant(op byte, v int64) []byte {
	b := []byte{op}
	for {
		c := byte(v & 0x7f)
		if v >>= 7; v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func vector(items ...[]byte) []byte { return append(unsigned(len(items)), bytes.Join(items, nil)...) }

func sized(b []byte) []byte { return append(unsigned(len(b)), b...) }

// module puts together one that runs code for every hook, in functions of
// which the first is number 2, and whose memory begins with text at 64.
func module(text string, code []byte) []byte {
	section := func(id byte, body []byte) []byte { return append([]byte{id}, sized(body)...) }
	export := func(name string, kind, index byte) []byte { return append(sized([]byte(name)), kind, index) }
	function := func(code []byte) []byte { return sized(append(append([]byte{0}, code...), 0x0b)) }
	return bytes.Join([][]byte{
		[]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector([]byte("\x60\x00\x01\x7f"), []byte("\x60\x01\x7f\x01\x7f"), []byte("\x60\x03\x7f\x7f\x7f\x01\x7e"))),
		section(3, []byte{3, 0, 1, 2}),
		section(5, append([]byte{1, 0}, unsigned(len(text)>>16+1)...)),
		section(7, vector(export("memory", 2, 0), export("gw_abi", 0, 0), export("gw_alloc", 0, 1), export("gw_call", 0, 2))),
		section(10, vector(function([]byte{0x41, 1}), function([]byte{0x41, 8}), function(code))),
		section(11, vector(append([]byte("\x00\x41\xc0\x00\x0b"), sized([]byte(text))...))),
	}, nil)
}

// says is a module that answers every hook with a text.
func says(text string) []byte { return module(text, constant(0x42, 64<<32|int64(len(text)))) }

// TestHostileModules uploads modules, which the server looks at, compiles and
// asks for their description. It refuses each with words, and answers others
// meanwhile.
func TestHostileModules(t *testing.T) {
	s := serve(t)
	if status, message := s.post(t, "/v1/catalog/bundles", bytes.NewReader(says(`{"name":"fine","version":"1.0.0","abi":[1,1],"types":[{"name":"org.example.Fine","kind":"entity"}],"capabilities":[]}`))); status/100 != 2 {
		t.Fatalf("a module that is fine: %d %s", status, message)
	}
	before := s.resident(t)
	forever := []byte{0x03, 0x40, 0x0c, 0, 0x0b, 0x00}
	described := func(types string) []byte {
		return says(`{"name":"x","version":"1.0.0","abi":[1,1],"types":` + types + `,"capabilities":[]}`)
	}
	for _, c := range []struct {
		name string
		bin  []byte
		want string
	}{
		{"cut off", says("{}")[:60], `expected at byte`},
		{"endless", module("", forever), `the limit Describe.Time allows|the limit Describe.Fuel allows`},
		{"endless recursion", module("", []byte{0x20, 0, 0x20, 1, 0x20, 2, 0x10, 2}), `the limit StackSlots allows`},
		{"memory for ever", module("", []byte{0x03, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x0c, 0, 0x0b, 0x00}), `the limit Describe`},
		{"fills of all memory", module("", append([]byte{0x41, 0xff, 0x0f, 0x40, 0, 0x1a, 0x03, 0x40, 0x41, 0, 0x41, 1},
			append(constant(0x41, 2048<<16), 0xfc, 11, 0, 0x0c, 0, 0x0b, 0x00)...)), `the limit Describe`},
		{"trap", module("", []byte{0x00}), `trapped: unreachable`},
		{"answer outside of its memory", module("", constant(0x42, -1<<32|100)), `answered with 100 bytes`},
		{"answer that is no JSON", says("\xff\xfe"), `the description cannot be read`},
		{"answer that is not UTF-8", described(`[{"name":"` + "a\xff\xfeb" + `","kind":"entity","description":"\ud800"}]`), ``},
		{"deep JSON", described(strings.Repeat("[", 100_000)), `the description cannot be read`},
		{"deep JSON that ends", says(`{"name":"y","version":"1.0.0","abi":[1,1],"types":[{"name":"t","kind":"entity","config":[{"name":"k","type":"any","default":` +
			strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}]}],"capabilities":[]}`), ``},
		{"a hundred thousand keys", says("{" + repeated(100_000, `"k%d":1,`) + `"name":"x"}`), `the limit DescriptionBytes allows|cannot be read`},
		{"a million types", described("[" + strings.Repeat("{},", 300_000) + "{}]"), `it has 300\d+ values, the limit Values allows 100000`},
		{"huge numbers", described("[" + strings.Repeat("9", 100_000) + "]"), `the description cannot be read`},
		{"numbers beyond all bounds", says(`{"name":"x","version":"1.0.0","abi":[1e999,1],"types":[],"capabilities":[]}`), `the description cannot be read`},
		{"another version", says(`{"name":"x","version":"1.0.0","abi":[2,3],"types":[],"capabilities":[]}`), `it speaks the ABI versions 2 to 3`},
		{"answer too long", module("", constant(0x42, 0xffffffff)), `the limit AnswerBytes allows`},
		{"too large", append(says("{}"), append([]byte{0}, sized(append([]byte{1, 'x'}, make([]byte, 40<<20)...))...)...), `Limits.Bundle|ModuleBytes`},
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			begun := time.Now()
			status, message := s.post(t, "/v1/catalog/bundles", bytes.NewReader(c.bin))
			if c.want != "" && (status/100 != 4 || !regexp.MustCompile(c.want).MatchString(message)) || status/100 == 5 && !strings.Contains(message, "limit") {
				t.Errorf("%s: %d %.300s\nwant %s", c.name, status, message, c.want)
			}
			t.Logf("%-30s %d after %8s, %4d MB: %.150s", c.name, status, time.Since(begun).Round(time.Millisecond), s.resident(t)>>20, message)
		}()
		slowest := s.answersUntil(t, done)
		if slowest > tooLong {
			t.Errorf("%s: another request took %s", c.name, slowest)
		} else if slowest > goal {
			t.Logf("%s: another request took %s (over the goal)", c.name, slowest)
		}
	}
	if grown := s.resident(t) - before; grown > 256<<20 {
		t.Errorf("the server took %d MB more", grown>>20)
	}
}

// answersUntil asks the server something easy until done, and gives the longest
// time that it took to answer.
func (s *server) answersUntil(t *testing.T, done <-chan struct{}) (slowest time.Duration) {
	t.Helper()
	for {
		req, err := http.NewRequest(http.MethodGet, s.url+"/v1/server/up", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("admin", password)
		begun := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		if err != nil {
			t.Errorf("the server does not answer: %v", err)
			<-done
			return slowest
		}
		resp.Body.Close()
		slowest = max(slowest, time.Since(begun))
		select {
		case <-done:
			return slowest
		default:
		}
	}
}
