// Package docs runs the examples of the guide for blueprint authors.
//
// A page has blocks of YAML and text, by the word after the language:
//
//	yaml catalog      is added to the catalog; with errors after it, it is refused
//	yaml blueprint    is deployed
//	yaml check        is checked; with errors after it, these are all that is found
//	yaml shipped      likewise, with the types of the shipped modules, which run; if they were built
//	yaml live         is deployed, with the types of the shipped modules; if they were built
//	yaml predicates   a list of {predicate, holds, fails}: values that pass it, and that do not
//	yaml workflow     is run for the application "shop" of scenario_test.go, alone
//	text errors       what is wrong with the block before it, line by line
//	text expect       lines that are carried out in order, after the blueprint
//	text expressions  lines EXPRESSION = JSON
//
// A line of expect is one of
//
//	ENTITY config KEY = JSON      ENTITY sensor NAME = JSON    ENTITY name = TEXT
//	ENTITY type = TEXT            ENTITY children = N          ENTITY tags = JSON
//	ENTITY set SENSOR = JSON      ENTITY state = STATE         wait DURATION
//	ENTITY call EFFECTOR ARGS = JSON           ENTITY run EFFECTOR ARGS = ok
//
//	result = JSON                 result ! TEXT    of the workflow
//
// where ENTITY is a plan id, or app, and "! TEXT" in place of "= VALUE" is an
// error that has the text in it.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const guide = "../../docs/guide/"

// forAuthors are the pages whose every block is run.
var forAuthors = []string{"README", "blueprints", "config", "expressions", "predicates", "enrichers", "initializers", "clusters", "testing", "catalog", "workflows", "placement", "policies"}

// block is one fenced block of a page.
type block struct {
	line           int
	language, word string
	body           string
}

var fenced = regexp.MustCompile("(?ms)^```(\\w*) ?(\\w*)\n(.*?)^```$")

// blocks gives the blocks of a page, and the page.
func blocks(t *testing.T, page string) ([]block, string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(guide, page+".md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	var out []block
	for _, m := range fenced.FindAllStringSubmatchIndex(text, -1) {
		out = append(out, block{
			line:     strings.Count(text[:m[0]], "\n") + 1,
			language: text[m[2]:m[3]], word: text[m[4]:m[5]], body: text[m[6]:m[7]],
		})
	}
	return out, text
}

func TestGuide(t *testing.T) {
	for _, page := range forAuthors {
		t.Run(page, func(t *testing.T) {
			all, _ := blocks(t, page)
			for _, s := range scenarios(t, all) {
				s.run(t)
			}
		})
	}
}

func TestNoPageIsLeftOut(t *testing.T) {
	pages, err := filepath.Glob(guide + "*.md")
	if err != nil || len(pages) != len(forAuthors)+7 {
		t.Errorf("%d pages, %v: those for authors are named in forAuthors, the others are counted here", len(pages), err)
	}
}

var link = regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)

// Links lead to files that are there, and to headings in them.
func TestLinks(t *testing.T) {
	for _, page := range forAuthors {
		_, text := blocks(t, page)
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := filepath.Join(guide, m[1])
			if m[1] == "" {
				target = filepath.Join(guide, page+".md")
			}
			raw, err := os.ReadFile(target)
			if err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if m[2] != "" && !strings.Contains(headings(string(raw)), " "+m[2]+" ") {
				t.Errorf("%s: %s has no heading #%s", page, m[1], m[2])
			}
		}
	}
}

// headings gives the anchors of a page, each between blanks.
func headings(text string) string {
	out := " "
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			words := strings.ToLower(strings.TrimSpace(strings.TrimLeft(rest, "#")))
			out += strings.NewReplacer(" ", "-", ":", "", "`", "", ",", "", "[", "", "]", "", ".", "").Replace(words) + " "
		}
	}
	return out
}
