package gowanus

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus/internal/wire"
)

var (
	effectorCall = []byte(`{"type":"org.example.Greeter","effector":"start","args":{"loud":true},
		"entity":{"id":"x1","application":"a1","planId":"web","name":"web","type":"greet:hello","config":{"image":"redis:3","openPorts":[6379,6380],
		"env":{"A":"b","C":"d"},"text":"` + strings.Repeat("x", 100) + `","memory":536870912,"share":0.25},"sensors":{"service.state":"starting","service.isUp":false}},
		"location":{"name":"my-docker-cloud","kind":"docker"},"state":{"n":1,"since":"2026-11-20T12:00:00Z"},"token":"placed",
		"outputs":[{"id":"host","step":"obtain-host","output":{"location":"my-docker-cloud","host":"lh1","address":"10.0.0.1"}}],
		"now":"2026-11-20T12:00:00Z","seed":6129484611666145821}`)
	decision = Decision{
		Sensors: map[string]any{"host.address": "10.0.0.1", "service.isUp": true, "ports": []any{6379.0, 6380.0}, "greeting": nil},
		Steps: []Step{
			{ID: "host", Step: "obtain-host", Timeout: "5m"},
			{Step: "create-container", Input: map[string]any{"image": "redis:3", "name": "web \"1\"", "env": map[string]any{"A": "b", "C": "d"}}},
			{Continue: "placed"},
		},
		State: json.RawMessage(`{"n":1,"since":"2026-11-20T12:00:00Z"}`),
	}
)

// BenchmarkRead compares the reading of a document with encoding/json.
func BenchmarkRead(b *testing.B) {
	for name, unmarshal := range map[string]func([]byte, any) error{"wire": wire.Unmarshal, "json": json.Unmarshal} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(effectorCall)))
			b.ReportAllocs()
			for b.Loop() {
				var c EffectorCall
				if err := unmarshal(effectorCall, &c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWrite compares the writing of a decision with encoding/json.
func BenchmarkWrite(b *testing.B) {
	var out []byte
	for name, marshal := range map[string]func(any) error{
		"wire": func(v any) (err error) { out, err = wire.Append(out[:0], v); return },
		"json": func(v any) error { _, err := json.Marshal(v); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := marshal(&decision); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
