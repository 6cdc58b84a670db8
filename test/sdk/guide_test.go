package sdk_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/modulebuild"
	"github.com/gowanus-project/gowanus/internal/scaffold"
	"github.com/gowanus-project/gowanus/sdk/moduletest"
)

var fence = regexp.MustCompile("(?ms)^```(\\S+) (module|tests)\n(.*?)^```$")

// TestGuides puts the module of each language's page into a project as "gowanus
// module new" makes it, builds that, and plays the page's scenarios. The page
// of Go has none: that of all languages has it.
func TestGuides(t *testing.T) {
	for name, value := range map[string]string{ // it is to be built, not to be good
		"CARGO_PROFILE_RELEASE_OPT_LEVEL": "0", "CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
	} {
		t.Setenv(name, value)
	}
	for language, source := range map[string]string{"c": "module.c", "rust": "src/lib.rs", "assemblyscript": "module.ts"} {
		t.Run(language, func(t *testing.T) {
			every := os.Getenv(everyBuild) != ""
			if !every && language != "c" {
				t.Skip(`building it takes long; "make sdks" does`)
			}
			page, err := os.ReadFile(filepath.Join(root, "docs", "guide", "modules-"+language+".md"))
			if err != nil {
				t.Fatal(err)
			}
			sdk, dir := filepath.Join(root, "sdk", language), t.TempDir()
			if _, err := scaffold.Write(dir, scaffold.Options{Language: language, Kind: "policy", Name: "cooldown", SDK: sdk}); err != nil {
				t.Fatal(err)
			}
			files := map[string]string{"module": source, "tests": "tests/cooldown.yaml"}
			for _, block := range fence.FindAllStringSubmatch(string(page), -1) {
				if err := os.WriteFile(filepath.Join(dir, files[block[2]]), []byte(block[3]), 0o600); err != nil {
					t.Fatal(err)
				}
				delete(files, block[2])
			}
			if len(files) > 0 {
				t.Fatalf("the page has no %v", files)
			}
			m, err := modulebuild.Build(t.Context(), dir, modulebuild.Options{})
			if fault.KindOf(err) == fault.Unavailable && err != nil && !every {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			moduletest.Run(t, m.File, filepath.Join(dir, "tests", "*.yaml"))
		})
	}
}
