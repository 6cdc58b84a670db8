//go:build lab

package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/test/lab"
)

// BenchmarkServerDeploy50 does what BenchmarkRawDeploy50 does through the
// whole product: a blueprint of 50 services is posted, and the start of the
// application must have ended. Beside the raw calls that takes the server's
// durable workflows, and that each container is seen to stay up.
func BenchmarkServerDeploy50(b *testing.B) {
	l := lab.Up(b)
	l.Load(b, lab.Sleeper)
	s := lab.Serve(b, lab.Config{})
	var text strings.Builder
	text.WriteString("location: my-docker-cloud\nservices:\n")
	for i := range containers {
		fmt.Fprintf(&text, "- {type: \"docker:%s\", id: s%d}\n", lab.Sleeper, i)
	}
	deploy(b, s, text.String()) // what is done once per server: modules, image, connection
	for b.Loop() {
		app := post(b, s, text.String())
		b.StopTimer()
		remove(b, s, app)
		b.StartTimer()
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/containers, "ms/container")
}

type activity struct {
	ID         string `json:"id"`
	EntityID   string `json:"entityId"`
	EndTimeUtc *int64 `json:"endTimeUtc"`
	IsError    bool   `json:"isError"`
	Result     any    `json:"result"`
}

func deploy(b *testing.B, s *lab.Server, text string) {
	b.Helper()
	remove(b, s, post(b, s, text))
}

// post deploys a blueprint, waits until it runs and gives the application.
func post(b *testing.B, s *lab.Server, text string) string {
	b.Helper()
	var a activity
	s.MustCall(b, "POST", "/v1/applications", text, &a)
	await(b, s, a)
	return a.EntityID
}

func remove(b *testing.B, s *lab.Server, app string) {
	b.Helper()
	var a activity
	s.MustCall(b, "DELETE", "/v1/applications/"+app, nil, &a)
	await(b, s, a)
}

func await(b *testing.B, s *lab.Server, a activity) {
	b.Helper()
	for a.EndTimeUtc == nil {
		s.MustCall(b, "GET", "/v1/activities/"+a.ID+"?timeout=30s", nil, &a)
	}
	if a.IsError {
		b.Fatalf("%s failed: %v", a.ID, a.Result)
	}
}
