// Package echo is what the guests of both runtimes do: read a small JSON
// document and write a part of it.
package echo

import "encoding/json"

type document struct {
	Image string            `json:"image"`
	Ports []int             `json:"openPorts"`
	Env   map[string]string `json:"env"`
	Text  string            `json:"text"`
}

type answer struct {
	Result document `json:"result"`
	Count  int      `json:"count"`
}

// Process answers one document; nil when it is not one.
func Process(in []byte) []byte {
	var d document
	if json.Unmarshal(in, &d) != nil {
		return nil
	}
	out, err := json.Marshal(answer{Result: d, Count: len(d.Ports) + len(d.Env)})
	if err != nil {
		return nil
	}
	return out
}
