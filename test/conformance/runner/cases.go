package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Case is one conformance case; cases/README.md says what each field means.
type Case struct {
	Name               string           `json:"name"`
	Source             string           `json:"source"`
	Notes              string           `json:"notes"`
	Catalog            any              `json:"catalog"` // one BOM or a list of them
	Blueprint          string           `json:"blueprint"`
	ExpectDeployError  any              `json:"expect_deploy_error"` // a text or a list of texts
	ExpectCatalogError any              `json:"expect_catalog_error"`
	MayFailAtDeploy    bool             `json:"may_fail_at_deploy"`
	Steps              []map[string]any `json:"steps"`
}

// area is the folder of the case.
func (c *Case) area() string {
	area, _, _ := strings.Cut(c.Name, "/")
	return area
}

// load reads the cases of a folder, sorted by name.
func load(dir, area string, only *regexp.Regexp) ([]*Case, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []*Case
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		c, err := parse(file, text)
		if err != nil {
			return nil, err
		}
		if want := filepath.Base(filepath.Dir(file)) + "/" + strings.TrimSuffix(filepath.Base(file), ".yaml"); c.Name != want {
			return nil, fmt.Errorf("%s: the case is called %s, want %s", file, c.Name, want)
		}
		if (area == "" || c.area() == area) && (only == nil || only.MatchString(c.Name)) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no such cases in %s", dir)
	}
	return out, nil
}

// parse reads one case; a field that does not exist is an error.
func parse(file string, text []byte) (*Case, error) {
	node, err := yamlpos.Parse(file, text, yamlpos.Limits{})
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(node.Any())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	dec := json.NewDecoder(strings.NewReader(string(plain)))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	c := &Case{}
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// usesCatalog tells whether a case changes what other cases see.
func usesCatalog(c *Case) bool {
	for _, step := range c.Steps {
		for kind := range step {
			if strings.Contains(kind, "catalog") {
				return true
			}
		}
	}
	return c.Catalog != nil
}

// texts gives a value that is a text or a list of texts as a list.
func texts(v any) []string {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		out := make([]string, 0, len(x))
		for _, y := range x {
			out = append(out, fmt.Sprint(y))
		}
		return out
	}
	return []string{fmt.Sprint(v)}
}
