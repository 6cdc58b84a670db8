package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

type (
	names  map[string]any
	colour string
	flag   bool
	small  int8
	bytes8 []byte
	octet  uint8
)

// loud writes and reads itself, by its pointer.
type loud struct{ text string }

func (l *loud) MarshalJSON() ([]byte, error) { return json.Marshal(strings.ToUpper(l.text)) }

func (l *loud) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return errors.New("no lists")
	}
	l.text = string(b)
	return nil
}

// point writes itself as text and is a key.
type point struct{ x, y byte }

func (p point) MarshalText() ([]byte, error) { return []byte{'0' + p.x%10, ',', '0' + p.y%10}, nil }

func (p *point) UnmarshalText(b []byte) error {
	if len(b) != 3 {
		return errors.New("no point")
	}
	p.x, p.y = b[0]-'0', b[2]-'0'
	return nil
}

// never is zero by its own idea.
type never struct{ N int }

func (n never) IsZero() bool { return n.N == 7 }

type Base struct {
	ID   string
	Both string
	Deep int `json:"deep"`
}

type Other struct {
	Both string
	Only string `json:",omitempty"`
}

type inner struct{ Inside int }

// every has a field of every kind.
type every struct {
	Base
	*Other
	inner
	S    string          `json:"s"`
	B    bool            `json:"b,omitempty"`
	I    int             `json:"i"`
	I8   small           `json:"i8,omitempty"`
	I64  int64           `json:"i64,omitzero"`
	U    uint            `json:"u"`
	U8   uint8           `json:"u8"`
	U64  uint64          `json:"u64"`
	F    float64         `json:"f"`
	F32  float32         `json:"f32"`
	Any  any             `json:"any"`
	L    []any           `json:"l"`
	M    map[string]any  `json:"m,omitempty"`
	N    names           `json:"n"`
	Raw  json.RawMessage `json:"raw,omitempty"`
	Num  json.Number     `json:"num,omitempty"`
	Raws []json.RawMessage
	P    *int              `json:"p"`
	PP   **string          `json:"pp"`
	PS   *every            `json:"ps,omitempty"`
	SS   []string          `json:"ss"`
	SE   []Other           `json:"se"`
	A    [3]int            `json:"a"`
	By   []byte            `json:"by"`
	By8  bytes8            `json:"by8,omitempty"`
	Oct  []octet           `json:"oct"`
	MI   map[int8]string   `json:"mi"`
	MU   map[uint16]bool   `json:"mu"`
	MC   map[colour]colour `json:"mc"`
	MP   map[point]*Base   `json:"mp"`
	MM   map[string]map[string]int
	T    time.Time       `json:"t,omitzero"`
	PT   *time.Time      `json:"pt"`
	IP   netip.Addr      `json:"ip"`
	D    time.Duration   `json:"d"`
	Loud loud            `json:"loud"`
	ML   map[string]loud `json:"ml"`
	Pt   point           `json:"pt2"`
	Nev  never           `json:"nev,omitzero"`
	PN   *never          `json:"pn,omitzero"`
	Gone string          `json:"-"`
	//lint:ignore SA5008 the comma makes it a name
	Dash string `json:"-,"`
	Case string
	Tags string `yaml:"json:\"no\"" json:"tags,omitempty" xml:"b"`
	Fl   flag   `json:"fl"`
	//lint:ignore SA5008 it is no name
	Bad  string `json:"a\"b"`
	Anon struct {
		X, Y int
	}
	Err interface{ Error() string } `json:"err"`
	Fn  func()                      `json:"fn,omitzero"`
}

// inTexts has fields within texts.
type inTexts struct {
	QB bool   `json:"qb,string"`
	QI int    `json:"qi,string"`
	QS string `json:"qs,string"`
	QP *int   `json:"qp,string"`
}

// corpus has documents with what the two readers could see differently.
var corpus = []string{
	`null`, `true`, `false`, `0`, `-0`, `1.5`, `-1e3`, `1E+2`, `1e-7`, `123456789012345678901234567890`, `1e999`, `-1e-999`, `9007199254740993`, `0.1`, `100000000000000`, `1e20`, `1e21`, `123456.789`,
	`""`, `"a"`, `"\"\\\/\b\f\n\r\t\u0041\u00e9"`, `"é€😀"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ude00\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\u2028"`, "\"\xff\xc3\x28\xe2\x80\"", "\"\x7f\u2028<>&\"", `"\u0000\u001f"`,
	`[]`, `{}`, ` [ ] `, ` { "a" : [ 1 , 2 ] } `, `[1,"a",null,true,{"b":[]}]`, `{"a":1,"a":2}`, `{"":""}`,
	`{`, `[`, `"`, `"\`, `"\u12`, `[1,]`, `{"a" 1}`, `{"a":1,}`, `{,}`, `{a:1}`, `01`, `1.`, `.5`, `+1`, `-`, `1e`, `1e+`, `tru`, `nul`, `nulll`, `NaN`, `{}{}`, `1 2`, `"\x"`, "\"\t\"", "\u00a01", "\ufeff1", "1\x00", ``, ` `, `]`, `}`, `:`, `,`, `[1 2]`, `{"a":}`,
	`{"s":"x","S":"y","b":true,"i":-3,"i8":127,"i64":9223372036854775807,"u":1,"u8":255,"u64":18446744073709551615,"f":1.25,"f32":0.1,"any":{"a":[1]},"l":[1,null],"m":{"k":null},"n":{"x":"y"},"raw": {"z": [1, 2]} ,"num":12.50}`,
	`{"i8":128,"i":7}`, `{"i8":-129}`, `{"u8":256,"s":"kept"}`, `{"u":-1}`, `{"u":-0}`, `{"i":1.0}`, `{"i":1e2}`, `{"i64":9223372036854775808}`, `{"u64":18446744073709551616}`, `{"f":1e999}`, `{"f32":1e39,"s":"a"}`, `{"f":"1"}`, `{"s":1}`, `{"b":"true","s":"x"}`, `{"b":0}`,
	`{"l":{},"s":"x"}`, `{"m":[],"s":"x"}`, `{"ss":["a",1,"b"],"s":"x"}`, `{"ss":"a"}`, `{"a":[1,2,3,4,5]}`, `{"a":[1]}`, `{"a":["x",2]}`, `{"l":[]}`, `{"ss":[],"se":[{"Both":"x"},{"Only":"y"}]}`, `{"se":[1,{"only":"x"}]}`,
	`{"p":1,"pp":"x","ps":{"s":"inner","ps":{"p":null}}}`, `{"p":null,"pp":null}`, `{"p":"x"}`, `{"pp":1}`,
	`{"by":"aGVsbG8=","by8":"AA==","oct":"AQID"}`, `{"by":"!"}`, `{"by":[1,2,300]}`, `{"by":null,"oct":[1,2]}`, `{"by":"aGVs\nbG8="}`, `{"by":""}`,
	`{"mi":{"1":"a","-2":"b"},"mu":{"7":true},"mc":{"red":"blue"},"mp":{"1,2":{"ID":"x"},"3,4":null}}`, `{"mi":{"300":"x","1":"y"}}`, `{"mi":{"x":"y"}}`, `{"mu":{"-1":true}}`, `{"mp":{"bad":{}}}`, `{"MM":{"a":{"b":1},"c":null,"d":{"e":"f"}}}`,
	`{"t":"2026-11-20T12:00:00.123456789Z","pt":"2026-11-20T12:00:00+02:00","d":1000}`, `{"t":"noon"}`, `{"t":1}`, `{"t":null,"pt":null}`, `{"ip":"10.0.0.1"}`, `{"ip":1}`, `{"ip":null}`, `{"ip":"x"}`, `{"ip":{}}`, `{"ip":["x"],"s":"y"}`, `{"ip":true}`,
	`{"loud":"x","ml":{"a":"b","c":1}}`, `{"loud":[1],"s":"x"}`, `{"loud":null}`, `{"loud":{"a": 1}}`, `{"pt2":"3,4"}`, `{"pt2":"34"}`, `{"nev":{"N":7},"pn":{"N":7}}`, `{"nev":{"N":1}}`,
	`{"ID":"a","both":"b","deep":1,"only":"o","INSIDE":3,"Gone":"x","-":"dash","case":"c","CASE":"d","fl":true,"Bad":"z","Anon":{"x":1,"Y":2}}`, `{"Only":"alloc"}`, `{"Other":{"Only":"x"},"Base":{"ID":"y"}}`,
	`{"err":null}`, `{"err":1}`, `{"err":"x"}`, `{"err":{}}`, `{"fn":null}`, `{"fn":1}`, `{"fn":"x"}`, `{"raw":null}`, `{"raw":[1,}`, `{"raw":"\u00e9"}`, `{"num":"12"}`, `{"num":"x"}`, `{"num":""}`, `{"num":null}`, `{"num":true}`, `{"Raws":[1,"a",null,{}]}`,
	`{"ſ":"long s folds to s"}`, `{"K":1}`, `{"unknown":{"a":[1,{"b":"\u00zz"}]}}`, `{"unknown":[1,{"b":"c"}],"i":1}`,
}

// tooLarge says whether only one of the two may refuse what is so deep.
func tooLarge(text []byte) bool {
	return bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > wire.MaxDepth
}

func fatalf(err error) bool {
	var misfit *json.UnmarshalTypeError
	return err != nil && !errors.As(err, &misfit)
}

// compare reads text into two values and compares these, and then what is
// written of them.
func compare[T any](t *testing.T, text []byte) {
	t.Helper()
	var want, got T
	wantErr, gotErr := json.Unmarshal(text, &want), wire.Unmarshal(text, &got)
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("%T %q: got %v, want %v", want, text, gotErr, wantErr)
	}
	if fatalf(wantErr) {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%T %q (%v):\ngot  %#v\nwant %#v", want, text, wantErr, got, want)
	}
	compareWritten(t, &want)
	compareWritten(t, want)
}

func compareWritten(t *testing.T, v any) {
	t.Helper()
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	wantErr := e.Encode(v)
	got, gotErr := wire.Append([]byte("x"), v)
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("%#v: got %v, want %v", v, gotErr, wantErr)
	}
	if w := "x" + strings.TrimSuffix(want.String(), "\n"); wantErr == nil && string(got) != w {
		t.Fatalf("%#v:\ngot  %s\nwant %s", v, got, w)
	}
}

func compareAll(t *testing.T, text []byte) {
	t.Helper()
	compare[any](t, text)
	compare[every](t, text)
	compare[map[string]any](t, text)
	compare[map[string]*every](t, text)
	compare[[]every](t, text)
	compare[*[]any](t, text)
	compare[string](t, text)
	compare[float64](t, text)
	compare[float32](t, text)
	compare[int](t, text)
	compare[time.Time](t, text)
	compare[json.RawMessage](t, text)
	compare[interface{ Error() string }](t, text)
}

func TestLikeEncodingJSON(t *testing.T) {
	for _, text := range corpus {
		compareAll(t, []byte(text))
	}
}

// TestInTexts is not fuzzed, since encoding/json takes numbers within texts
// that are no JSON.
func TestInTexts(t *testing.T) {
	for _, text := range []string{
		`{"qb":"true","qi":"12","QI":"13","qs":"\"x\"","qp":"-5"}`, `{"qb":true}`, `{"qi":12}`, `{"qi":"x"}`, `{"qi":null,"qp":null,"qs":null}`, `{"qi":"null"}`, `{"qs":"x"}`, `{"qi":""}`, `{"qi":" 1"}`, `{"qi":"1 "}`, `{"qb":"truex"}`, `{"qs":"\"a"}`, `{"qi":{}}`, `{"qi":"{}"}`, `{"qi":"true"}`, `{"qb":"1"}`,
	} {
		compare[inTexts](t, []byte(text))
	}
}

// FuzzLikeEncodingJSON reads any text into values of every kind.
func FuzzLikeEncodingJSON(f *testing.F) {
	for _, text := range corpus {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !tooLarge(text) {
			compareAll(t, text)
		}
	})
}

// FuzzNumbers writes any number.
func FuzzNumbers(f *testing.F) {
	for _, n := range []float64{0, math.Copysign(0, -1), 1, -1.5, 1e15, 1e15 + 1, 999999999999999, 1e20, 1e21, 1e-6, 9.9e-7, 1e-9, 1e-10, 1e100, 5e-324, math.MaxFloat64, math.Inf(1), math.NaN(), 16777217, 123456789} {
		f.Add(math.Float64bits(n))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		n := math.Float64frombits(bits)
		compareWritten(t, n)
		compareWritten(t, float32(n))
		compareWritten(t, math.Float32frombits(uint32(bits)))
		compareWritten(t, []any{n, int64(bits), bits, uint8(bits)})
	})
}

// FuzzTexts writes any text.
func FuzzTexts(f *testing.F) {
	f.Add("a\"\\\b\f\n\r\t\x00\x1f\x7f\u2028\u2029<>&é€😀\xff\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, text string) {
		compareWritten(t, text)
		compareWritten(t, map[string]any{text: []byte(text), "b" + text: colour(text), "a": names{text: text}})
	})
}
