package main

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/go/gowanus"
	"github.com/gowanus-project/gowanus/sdk/go/gowanustest"
)

type (
	values = gowanus.Values
	column = gowanustest.Column
)

var nan = math.NaN()

// ranks asks a strategy about hosts and gives what it said of each, a line per
// host.
func ranks(t *testing.T, typ string, config values, hosts int, columns ...column) string {
	t.Helper()
	return asked(t, gowanus.RankRequest{Type: typ, Config: config, Entity: gowanus.Ref{ID: "x1", Application: "a1", Name: "web", Type: "docker:nginx"}}, hosts, columns...)
}

func asked(t *testing.T, request gowanus.RankRequest, hosts int, columns ...column) string {
	t.Helper()
	got, err := gowanustest.Rank(request, hosts, columns...)
	var refused *gowanus.Error
	if errors.As(err, &refused) {
		return refused.Kind + " at " + refused.At + ": " + refused.Message
	}
	if err != nil {
		t.Fatal(err)
	}
	return lines(got)
}

func lines(ranked []gowanustest.Ranked) string {
	all := make([]string, len(ranked))
	for i := range ranked {
		all[i] = show(ranked[i : i+1])
	}
	return strings.Join(all, "\n")
}

func TestUsage(t *testing.T) {
	cpu := column{Name: "cpu.used", Values: []float64{0.5, 0.25, nan, 0.7561, 0}}
	used := column{Name: "memory.used", Values: []float64{8, 1, nan, 2, 0}}
	total := column{Name: "memory.total", Values: []float64{10, 10, 10, nan, 10}}
	unknown := "NaN how much it uses of its processors is not known"
	for _, c := range []struct {
		typ    string
		config values
		want   []string
	}{
		{"max-cpu-usage", nil, []string{"NaN uses 50% of its processors, max is 50%", "0", unknown, "NaN uses 75.6% of its processors, max is 50%", "0"}},
		{"max-cpu-usage", values{maxCPUKey: 0.75}, []string{"0", "0", unknown, "NaN uses 75.6% of its processors, max is 75%", "0"}},
		{"max-cpu-usage", values{maxCPUKey: 1}, []string{"0", "0", unknown, "0", "0"}},
		{"cpu-usage", nil, []string{"NaN uses 50% of its processors, max is 50%", "-0.25", unknown, "NaN uses 75.6% of its processors, max is 50%", "0"}},
		{"lowest-cpu-usage", nil, []string{"-0.5", "-0.25", "1", "-0.7561", "0"}},
		{"max-memory", nil, []string{"NaN uses 80% of its memory, max is 80%", "0", "NaN how much it uses of its memory is not known",
			"NaN how much it uses of its memory is not known", "0"}},
		{"lowest-memory", nil, []string{"-0.8", "-0.1", "1", "1", "0"}},
		{"max-cpu-usage", values{maxCPUKey: 75}, []string{"invalid at config.docker.container.cluster.maxCpu: docker.container.cluster.maxCpu: expected a share above 0 and up to 1, got 75"}},
		{"max-memory", values{maxMemoryKey: 0}, []string{"invalid at config.docker.container.cluster.maxMemory: docker.container.cluster.maxMemory: expected a share above 0 and up to 1, got 0"}},
	} {
		if got := ranks(t, c.typ, c.config, 5, cpu, used, total); got != strings.Join(c.want, "\n") {
			t.Errorf("%s %v:\n%s\nwant\n%s", c.typ, c.config, got, strings.Join(c.want, "\n"))
		}
	}
	if got := ranks(t, "cpu-usage", nil, 1); got != unknown {
		t.Errorf("without a column: %s", got)
	}
}

func TestMaxContainersConfig(t *testing.T) {
	want := "invalid at config.docker.container.cluster.maxSize: docker.container.cluster.maxSize: expected 1 or more containers, got 0"
	for _, hosts := range []int{0, 2} {
		if got := ranks(t, "max-containers", values{maxSize: 0}, hosts); got != want {
			t.Errorf("%d hosts: %s", hosts, got)
		}
	}
}

func TestHostname(t *testing.T) {
	names := column{Name: "name", Values: []string{"web-1.example.org", "web-12", "", "db-1"}}
	ids := column{Name: "id", Values: []string{"lh1", "lh2", "web-3", "lh4"}}
	for _, c := range []struct{ pattern, want string }{
		{`web-\d`, "NaN its name web-1.example.org does not match web-\\d\nNaN its name web-12 does not match web-\\d\n0\nNaN its name db-1 does not match web-\\d"},
		{`web-.*|lh4`, "0\n0\n0\n0"},
		{`web-1.example.org|db`, "0\nNaN its name web-12 does not match web-1.example.org|db\nNaN its name web-3 does not match web-1.example.org|db\nNaN its name db-1 does not match web-1.example.org|db"},
		{`web-(`, "invalid at config.docker.constraint.hostname: docker.constraint.hostname: \"web-(\" is no regular expression: missing closing ): `web-(`"},
		{`a)(b`, "invalid at config.docker.constraint.hostname: docker.constraint.hostname: \"a)(b\" is no regular expression: unexpected ): `a)(b`"},
	} {
		if got := ranks(t, "hostname", values{hostnameKey: c.pattern}, 4, names, ids); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.pattern, got, c.want)
		}
	}
}

func TestLabel(t *testing.T) {
	zone := column{Name: "label:zone", Values: []string{"a", "b", ""}}
	gpu := column{Name: "label:gpu", Values: []string{"", "true", "true"}}
	for _, c := range []struct {
		labels any
		want   string
	}{
		{nil, "0\n0\n0"},
		{[]any{"zone"}, "0\n0\nNaN it has no label zone"},
		{[]any{"zone=a"}, "0\nNaN its label zone is b, expected a\nNaN it has no label zone, expected a"},
		{[]any{"zone!=a"}, "NaN its label zone is a\n0\n0"},
		{[]any{"!zone=a"}, "NaN its label zone is a\n0\n0"},
		{[]any{"!gpu"}, "0\nNaN it has the label gpu\nNaN it has the label gpu"},
		{[]any{" NOT gpu "}, "0\nNaN it has the label gpu\nNaN it has the label gpu"},
		{[]any{"zone", "gpu"}, "NaN it has no label gpu\n0\nNaN it has no label zone"},
		{[]any{"rack"}, "NaN it has no label rack\nNaN it has no label rack\nNaN it has no label rack"},
		{[]any{"!rack"}, "0\n0\n0"},
		{[]any{"zone", "=a"}, `invalid at config.docker.constraint.labels[1]: docker.constraint.labels[1]: "=a": expected KEY, KEY=VALUE, !KEY or KEY!=VALUE`},
		{[]any{"a b"}, `invalid at config.docker.constraint.labels[0]: docker.constraint.labels[0]: "a b": expected KEY, KEY=VALUE, !KEY or KEY!=VALUE`},
		{[]any{7}, "invalid at config.docker.constraint.labels[0]: docker.constraint.labels[0]: expected text, got 7"},
	} {
		if got := ranks(t, "label", values{labelsKey: c.labels}, 3, zone, gpu); got != c.want {
			t.Errorf("%v:\n%s\nwant\n%s", c.labels, got, c.want)
		}
	}
}

func TestGroup(t *testing.T) {
	for _, c := range []struct {
		name                          string
		exclusive                     bool
		containers, members, siblings []float64
		want                          string
	}{
		{"the first", false, []float64{0, 3}, []float64{0, 0}, []float64{0, 0}, "0\n0"},
		{"another parent", false, []float64{2, 3}, []float64{2, 0}, []float64{0, 0}, "NaN runs 2 of the application that have another parent\n0"},
		{"a sibling", false, []float64{2, 3}, []float64{2, 1}, []float64{0, 1}, "NaN entities of the same parent run on another host\n0"},
		{"exclusive", true, []float64{2, 0, 1}, []float64{2, 0, 0}, []float64{0, 0, 0},
			"NaN runs 2 of the application that have another parent\n0\nNaN 1 containers, the group wants an empty host"},
		{"a sibling, exclusive", true, []float64{1, 0}, []float64{1, 0}, []float64{1, 0}, "0\nNaN entities of the same parent run on another host"},
		{"several with siblings", false, []float64{1, 1, 0}, []float64{1, 1, 0}, []float64{1, 1, 0}, "0\n0\nNaN entities of the same parent run on another host"},
	} {
		got := ranks(t, "group", values{exclusiveKey: c.exclusive}, len(c.containers), column{Name: "containers", Values: c.containers},
			column{Name: "app.members", Values: c.members}, column{Name: "app.siblings", Values: c.siblings})
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestProvisioning(t *testing.T) {
	columns := []column{
		{Name: "cpu.cores", Values: []float64{4, 2, nan}}, {Name: "cpu.reserved", Values: []float64{3, 0, 0}},
		{Name: "memory.total", Values: []float64{8 << 30, 2 << 30, 8 << 30}}, {Name: "memory.reserved", Values: []float64{4 << 30, 0, 0}},
	}
	for _, c := range []struct {
		name           string
		config, demand values
		want           string
	}{
		{"nothing", nil, nil, "0\n0\n0"},
		{"cores", values{"minCores": 1}, nil, "NaN 3 of 4 processors reserved, more than 1 must be free\n0\nNaN how much processors it has is not known"},
		{"ram", values{"minRam": 2000}, nil, "0\n0\n0"},
		{"exactly", values{"minRam": "2g"}, nil, "0\nNaN 0 MB of 2048 MB memory reserved, more than 2048 MB must be free\n0"},
		{"units", values{"minRam": "4 GiB"}, nil, "NaN 4096 MB of 8192 MB memory reserved, more than 4096 MB must be free\nNaN 0 MB of 2048 MB memory reserved, more than 4096 MB must be free\n0"},
		{"the entity's", nil, values{"memory": 3 << 30}, "0\nNaN 0 MB of 2048 MB memory reserved, more than 3072 MB must be free\n0"},
		{"the larger", values{"minCores": 0.5}, values{"cpus": 1.5}, "NaN 3 of 4 processors reserved, more than 1.5 must be free\n0\nNaN how much processors it has is not known"},
		{"bad ram", values{"minRam": "much"}, nil, "invalid at config.minRam: minRam: expected megabytes, or text such as 512m or 4g, got \"much\""},
		{"bad unit", values{"minRam": "4x"}, nil, "invalid at config.minRam: minRam: expected megabytes, or text such as 512m or 4g, got \"4x\""},
		{"negative", values{"minRam": -1}, nil, "invalid at config.minRam: minRam: expected 0 or more, got -1"},
		{"list", values{"minRam": []any{}}, nil, "invalid at config.minRam: minRam: expected megabytes, or text such as 512m or 4g, got []"},
		{"negative cores", values{"minCores": -2}, nil, "invalid at config.minCores: minCores: expected 0 or more, got -2"},
	} {
		got := asked(t, gowanus.RankRequest{Type: "provisioning-flags", Config: c.config, Demand: c.demand}, 3, columns...)
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestGeo(t *testing.T) {
	columns := []column{ // Dublin, Frankfurt, San Jose, nowhere
		{Name: "latitude", Values: []float64{53.35, 50.11, 37.33, nan}}, {Name: "longitude", Values: []float64{-6.26, 8.68, -121.89, nan}},
		{Name: "label:region", Values: []string{"eu-west-1", "", "us-west-1", ""}}, {Name: "label:zone", Values: []string{"eu-west-1a", "eu-central-1b", "", ""}},
		{Name: "label:iso3166", Values: []string{"IE", "", "US-CA", ""}}, {Name: "label:country", Values: []string{"", "de", "", ""}},
	}
	for _, c := range []struct {
		config values
		want   string
	}{
		{values{"geo.regions": []any{"eu-west-1", "eu-central-1b"}}, "0\n0\nNaN is in region us-west-1, expected eu-west-1 or eu-central-1b\nNaN its region is not known"},
		{values{"geo.regions": []any{"us-west-1"}}, "NaN is in region eu-west-1, expected us-west-1\nNaN is in region eu-central-1b, expected us-west-1\n0\nNaN its region is not known"},
		{values{"geo.countries": []any{"IE", "US"}}, "0\nNaN is in de, expected IE or US\n0\nNaN its country is not known"},
		{values{"geo.countries": []any{"DE", "us-ca"}}, "NaN is in IE, expected DE or us-ca\n0\n0\nNaN its country is not known"},
		{values{"geo.countries": []any{"US-NY"}}, "NaN is in IE, expected US-NY\nNaN is in de, expected US-NY\nNaN is in US-CA, expected US-NY\nNaN its country is not known"},
		{values{"geo.latitude": 51.5, "geo.longitude": -0.13, "geo.maxDistance": 600}, "-464\nNaN is 638 km away, max is 600 km\nNaN is 8633 km away, max is 600 km\nNaN its latitude and longitude are not known"},
		{values{}, "invalid at config.geo.regions: geo needs regions, countries, or a latitude and longitude"},
		{values{"geo.latitude": 1}, "invalid at config.geo.latitude: geo.latitude and geo.longitude go together"},
		{values{"geo.latitude": 91, "geo.longitude": 0}, "invalid at config.geo.latitude: geo.latitude: expected -90 to 90 degrees, got 91"},
		{values{"geo.latitude": 1, "geo.longitude": 181}, "invalid at config.geo.longitude: geo.longitude: expected -180 to 180 degrees, got 181"},
		{values{"geo.latitude": 1, "geo.longitude": 1, "geo.maxDistance": -1}, "invalid at config.geo.maxDistance: geo.maxDistance: expected more than 0 kilometres, got -1"},
		{values{"geo.regions": []any{"a"}, "geo.maxDistance": 1}, "invalid at config.geo.maxDistance: geo.maxDistance needs geo.latitude and geo.longitude"},
		{values{"geo.countries": []any{"Ireland"}}, "invalid at config.geo.countries: geo.countries: expected ISO 3166 codes such as DE or US-CA, got \"Ireland\""},
	} {
		got, err := gowanustest.Rank(gowanus.RankRequest{Type: "geo", Config: c.config}, 4, columns...)
		for i := range got {
			got[i].Score = math.Round(got[i].Score)
		}
		text := lines(got)
		if err != nil {
			text = ranks(t, "geo", c.config, 4, columns...)
		}
		if text != c.want {
			t.Errorf("%v:\n%s\nwant\n%s", c.config, text, c.want)
		}
	}
}

// TestChecksWithoutHosts: what is wrong with a config is told before there are
// hosts.
func TestChecksWithoutHosts(t *testing.T) {
	for typ, config := range map[string]values{
		"max-cpu-usage": {maxCPUKey: 2}, "hostname": {hostnameKey: "("}, "label": {labelsKey: []any{""}},
		"provisioning-flags": {"minRam": "x"}, "geo": {}, "affinity-rules": {rulesKey: []any{"x"}},
	} {
		if got := ranks(t, typ, config, 0); !strings.HasPrefix(got, "invalid at config.") {
			t.Errorf("%s: %q", typ, got)
		}
	}
}
