package sdk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/gowanus-project/gowanus/sdk/moduletest"
)

var fence = regexp.MustCompile("(?ms)^```(\\S+) (module|tests)\n(.*?)^```$")

// TestGuides puts the module of each language's page into a project as "gowanus
// module new" makes it, builds that, and plays the page's scenarios. The page
// of Go has none: that of all languages has it.
func TestGuides(t *testing.T) {
	for language, source := range sourceOf {
		t.Run(language, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join(root, "docs", "guide", "modules-"+language+".md"))
			if err != nil {
				t.Fatal(err)
			}
			files, sources := map[string]string{"module": source, "tests": "tests/cooldown.yaml"}, map[string][]byte{}
			for _, block := range fence.FindAllStringSubmatch(string(page), -1) {
				sources[files[block[2]]] = []byte(block[3])
			}
			if len(sources) != len(files) {
				t.Fatalf("the page has only %d of %v", len(sources), files)
			}
			m := project(t, language, sources)
			moduletest.Run(t, m.File, filepath.Join(filepath.Dir(m.File), files["tests"]))
		})
	}
}
