package main

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// explanation is where a config value comes from, as the REST API tells it.
type explanation struct {
	Key         string `json:"key"`
	Entity      string `json:"entity"`
	Type        string `json:"type"`
	Inheritance string `json:"inheritance"`
	DeclaredBy  string `json:"declaredBy"`
	Value       any    `json:"value"`
	Error       string `json:"error"`
	Levels      []struct {
		Entity  string `json:"entity"`
		Written any    `json:"written"`
		Default any    `json:"default"`
		Scope   string `json:"scope"`
		Used    bool   `json:"used"`
	} `json:"levels"`
	Asked []struct {
		What    string `json:"what"`
		Of      string `json:"of"`
		Name    string `json:"name"`
		Waiting bool   `json:"waiting"`
		Answer  any    `json:"answer"`
		Error   string `json:"error"`
	} `json:"asked"`
}

func (c *cli) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain APPLICATION[/ENTITY] KEY", Short: "Show where a config value comes from",
		Args: cobra.ExactArgs(2), ValidArgsFunction: c.applicationNames,
		Long: `Show where a config value comes from: who declares the key, on which of the entities
from this one up to the application it is set, what its expressions ask for, and what
it waits for.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			e, err := cl.find(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path := e.path() + "/config/" + url.PathEscape(args[1]) + "/explain"
			if c.json() {
				return c.printJSON(cmd.Context(), cl, path)
			}
			var x explanation
			if err := cl.get(cmd.Context(), path, &x); err != nil {
				return err
			}
			c.explain(&x)
			return nil
		},
	}
}

func (c *cli) explain(x *explanation) {
	switch {
	case x.Error != "":
		c.printf("%s of %s has no value now: %s\n", clean(x.Key), clean(x.Entity), clean(x.Error))
	default:
		c.printf("%s of %s = %s\n", clean(x.Key), clean(x.Entity), oneLine(value(x.Value)))
	}
	if x.DeclaredBy != "" {
		c.printf("declared by %s as %s, inherited: %s\n", clean(x.DeclaredBy), clean(x.Type), x.Inheritance)
	} else {
		c.printf("declared by nobody\n")
	}
	for _, l := range x.Levels {
		mark := " "
		if l.Used {
			mark = "→"
		}
		text := "not set"
		if l.Written != nil {
			text = "set to " + oneLine(value(l.Written))
		}
		if l.Default != nil {
			text += ", default " + oneLine(value(l.Default))
		}
		if l.Scope != "" {
			text += ", in the text of " + clean(l.Scope)
		}
		c.printf("%s %s: %s\n", mark, clean(l.Entity), text)
	}
	for _, q := range x.Asked {
		answer := oneLine(value(q.Answer))
		switch {
		case q.Waiting:
			answer = "waits for it"
		case q.Error != "":
			answer = "failed: " + oneLine(q.Error)
		case q.What == "external":
			answer = "(a secret)"
		}
		c.printf("  asked for %s: %s\n", strings.TrimSpace(q.What+" "+clean(q.Name)+of(q.Of)), answer)
	}
}

func of(entity string) string {
	if entity == "" {
		return ""
	}
	return " of " + clean(entity)
}
