package moduletest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/modules"
	"github.com/gowanus-project/gowanus/sdk/moduletest"
)

// noted is a test that keeps what it was told.
type noted struct {
	testing.TB
	said []string
}

func (n *noted) Helper()                         {}
func (n *noted) Errorf(text string, args ...any) { n.said = append(n.said, fmt.Sprintf(text, args...)) }

// policy gives the file of a shipped module.
func policy(t *testing.T) string {
	t.Helper()
	list, err := modules.List()
	if fault.KindOf(err) == fault.Unavailable && err != nil {
		t.Skip(err)
	}
	for _, m := range list {
		bin, werr := m.Wasm()
		if m.Name != "policy" {
			continue
		}
		file := filepath.Join(t.TempDir(), "policy.wasm")
		if werr == nil {
			werr = os.WriteFile(file, bin, 0o600)
		}
		if werr != nil {
			t.Fatal(werr)
		}
		return file
	}
	t.Fatal("there is no module policy")
	return ""
}

// TestRun finds the module by the file of scenarios.
func TestRun(t *testing.T) {
	file := policy(t)
	suite := filepath.Join(filepath.Dir(file), "one.yaml")
	text := "module: policy.wasm\nscenarios:\n- {name: one, policy: service-restarter, event: {sensor: ha.entityFailed, value: x}}\n"
	if err := os.WriteFile(suite, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	moduletest.Run(t, "", suite)
	moduletest.Run(t, file, filepath.Join(filepath.Dir(file), "*.yaml"))
}

func TestCovered(t *testing.T) {
	m := moduletest.Open(t, policy(t), moduletest.Options{Once: true})
	n := &noted{TB: t}
	moduletest.Covered(n, m, 0)
	if len(n.said) > 0 {
		t.Errorf("said %q", n.said)
	}
	moduletest.Covered(n, m, 100)
	got := strings.Join(n.said, "\n")
	for _, want := range []string{
		"% of module policy, expected 100%\n",
		"\nnot reached: org.apache.brooklyn.policy.ha.ServiceFailureDetector policy.event service.isUp\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("said\n%s\nwithout %q", got, want)
		}
	}
}
