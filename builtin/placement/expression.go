// Package placement has the placement strategy that judges hosts by an
// expression of the blueprint author. It is native because expressions are:
// their compiler and their limits are those of dsl/expr.
package placement

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/dsl/expr"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/engine/placement"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// Limits bound a strategy. Zero fields take the defaults. An error that a
// limit caused names the field.
type Limits struct {
	Expression expr.Limits   // of one evaluation, that is for one host
	Ranking    time.Duration // of all hosts of one placement; default 5 s
}

const name = "expression"

// Types gives the strategies of this package.
func Types(l Limits) []*catalog.Type {
	if l.Ranking == 0 {
		l.Ranking = 5 * time.Second
	}
	return []*catalog.Type{{
		Type: hook.Type{
			Name: name, Kind: catalog.Strategy, Aliases: []string{"ExpressionPlacementStrategy"},
			Description: "refuses hosts for which an expression is false, and prefers those for which another is high",
			Config: []hook.ConfigKey{
				{Name: "filter", Flags: []string{"predicate"}, Type: "string", Description: "expression that is true for hosts that may be used"},
				{Name: "score", Flags: []string{"comparator"}, Type: "string", Description: "expression whose number is high for hosts that are preferred"},
			},
		},
		Strategy: func(config map[string]any) (placement.Strategy, error) { return newExpression(config, l) },
	}}
}

// expression is the strategy, compiled.
type expression struct {
	filter, score *expr.Template // nil when it is not given
	refusal       string         // why a host is refused for which the filter is false
	columns       []string
	limits        Limits
}

func newExpression(config map[string]any, l Limits) (*expression, error) {
	e := &expression{limits: l}
	keys := map[string]**expr.Template{"filter": &e.filter, "predicate": &e.filter, "score": &e.score, "comparator": &e.score}
	for _, key := range slices.Sorted(maps.Keys(config)) {
		to, known := keys[key]
		if !known {
			return nil, fault.New(fault.Invalid, "%s has no config key %q%s", name, key, nearest.Hint(key, slices.Sorted(maps.Keys(keys))))
		}
		if config[key] == nil {
			continue
		}
		t, err := e.compile(config[key])
		if err != nil {
			return nil, &placement.At{Path: map[bool]string{true: "filter", false: "score"}[to == &e.filter], Err: fault.New(fault.Invalid, "%s: %w", key, err)}
		}
		if *to = t; to == &e.filter {
			e.refusal = bounded("does not satisfy the filter " + strings.Join(strings.Fields(fmt.Sprint(config[key])), " "))
		}
	}
	if e.filter == nil && e.score == nil {
		return nil, fault.New(fault.Invalid, "%s needs a filter or a score", name)
	}
	return e, nil
}

// compile reads an expression. Its words are those of words.go.
func (e *expression) compile(v any) (*expr.Template, error) {
	text := strings.TrimSpace(fmt.Sprint(v))
	t, err := expr.CompileExpression(&yamlpos.Node{Pos: yamlpos.Pos{Line: 1, Col: 1}, Kind: yamlpos.Scalar, Value: text, Text: text}, e.limits.Expression)
	if problems := yamlpos.Problems(err); len(problems) > 0 {
		return nil, fault.New(fault.Invalid, "column %d: %s", problems[0].Pos.Col, problems[0].Msg)
	}
	if err != nil {
		return nil, err
	}
	if len(t.Uses()) == 0 {
		return nil, fault.New(fault.Invalid, "%q does not ask for anything of a host", text)
	}
	for _, use := range t.Uses() {
		if err := checkUse(use.Path); err != nil {
			return nil, err
		}
		e.columns = append(e.columns, columnsOf(use.Path)...)
	}
	slices.Sort(e.columns)
	e.columns = slices.Compact(e.columns)
	return t, nil
}

func (e *expression) Name() string      { return name }
func (e *expression) Columns() []string { return e.columns }

// Rank evaluates the expressions for each host.
func (e *expression) Rank(ctx context.Context, b *placement.Batch) (*placement.Ranking, error) {
	within, cancel := context.WithTimeout(ctx, e.limits.Ranking)
	defer cancel()
	out := placement.NewRanking(b.Len())
	w := newWords(b)
	for i := range b.Len() {
		w.row, w.lost = i, ""
		refused, err := e.judge(within, w, &out.Scores[i])
		switch {
		case err == nil && refused == "":
		case err == nil:
			out.Refuse(i, refused)
		case w.lost != "" && expr.IsMissing(err):
			out.Refuse(i, w.lost+" is not known of it")
		case ctx.Err() == nil && within.Err() != nil:
			return nil, fault.New(fault.Limit, "the expressions take longer than the limit Ranking of %v for %d hosts", e.limits.Ranking, b.Len())
		case ctx.Err() != nil || fault.KindOf(err) == fault.Limit:
			return nil, err
		default:
			out.Refuse(i, reason(err))
		}
	}
	return out, nil
}

// judge sets the score of the present host, or says why it is refused.
func (e *expression) judge(ctx context.Context, w *words, score *float64) (refused string, err error) {
	if e.filter != nil {
		v, err := e.filter.Eval(ctx, nil, w, expr.Fail)
		if err != nil {
			return "", err
		}
		ok, is := v.(bool)
		if !is {
			return "", fault.New(fault.Invalid, "filter: expected true or false, got %v", v)
		}
		if !ok {
			return e.refusal, nil
		}
	}
	if e.score == nil {
		return "", nil
	}
	v, err := e.score.Eval(ctx, nil, w, expr.Fail)
	if err != nil {
		return "", err
	}
	switch n := v.(type) {
	case int64:
		*score = float64(n)
	case float64:
		*score = n
	default:
		return "", fault.New(fault.Invalid, "score: expected a number, got %v", v)
	}
	if math.IsNaN(*score) || math.IsInf(*score, 0) {
		return "", fault.New(fault.Invalid, "score: expected a number, got %v", *score)
	}
	return "", nil
}

// reason says why an expression failed.
func reason(err error) string {
	text := err.Error()
	var e *expr.Error
	if errors.As(err, &e) {
		text = "the expression " + e.Text + " fails: " + e.Err.Error()
	}
	return bounded(text)
}

// bounded cuts a text to what a reason may be long.
func bounded(text string) string {
	if most := placement.MaxReason; len(text) > most {
		return strings.ToValidUTF8(text[:most-3], "") + "…"
	}
	return text
}
