package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// workflowRun is the run of a workflow, as the REST API tells of it.
type workflowRun struct {
	ID        string         `json:"workflowId"`
	Task      string         `json:"taskId"`
	Name      string         `json:"name"`
	Status    string         `json:"status"`
	Changed   int64          `json:"lastStatusChangeTime"`
	Input     map[string]any `json:"input"`
	Variables map[string]any `json:"variables"`
	Output    any            `json:"output"`
	Error     string         `json:"error"`
	HeldLock  string         `json:"heldLock"`
	Replays   []struct {
		Task   string `json:"taskId"`
		Status string `json:"status"`
		Began  int64  `json:"startTimeUtc"`
		Reason string `json:"reasonForReplay"`
	} `json:"replays"`
	Current *workflowStep `json:"currentStepInstance"`
	Old     map[string]struct {
		Started   int           `json:"countStarted"`
		Completed int           `json:"countCompleted"`
		Context   *workflowStep `json:"context"`
	} `json:"oldStepInfo"`
}

type workflowStep struct {
	Path   string `json:"stepPath"`
	Name   string `json:"name"`
	Error  string `json:"error"`
	Output any    `json:"output"`
}

func (c *cli) workflowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "workflow", Aliases: []string{"workflows"}, Short: "Run workflows, look at them, go back into them"}
	cmd.AddCommand(c.workflowListCommand(), c.workflowShowCommand(), c.workflowRunCommand(), c.workflowReplayCommand(), c.workflowCancelCommand())
	return cmd
}

// workflowsOf gives the client and the path of an entity's workflows.
func (c *cli) workflowsOf(ctx context.Context, ref string) (*client, string, error) {
	cl, err := c.client()
	if err != nil {
		return nil, "", err
	}
	e, err := cl.find(ctx, ref)
	if err != nil {
		return nil, "", err
	}
	return cl, e.path() + "/workflows", nil
}

func (c *cli) workflowListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list APPLICATION[/ENTITY]", Short: "List the workflows of an entity that run, and those that are kept", Args: cobra.ExactArgs(1),
		ValidArgsFunction: c.applicationNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, path, err := c.workflowsOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path += "?suppressSecrets=true"
			if c.json() {
				return c.printJSON(cmd.Context(), cl, path)
			}
			var all []workflowRun
			if err := cl.get(cmd.Context(), path, &all); err != nil {
				return err
			}
			t := c.plainTable("ID", "NAME", "STATUS", "STEP", "SINCE")
			for _, r := range all {
				at := ""
				if r.Current != nil {
					at = oneLine(r.Current.Name)
				}
				t.AppendRow([]any{r.ID, oneLine(r.Name), strings.ToLower(r.Status), at, stamp(r.Changed).Format(time.DateTime)})
			}
			t.Render()
			return nil
		},
	}
}

func (c *cli) workflowShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show APPLICATION[/ENTITY] ID", Short: "Show where a workflow stands and what it did", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, path, err := c.workflowsOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			path += "/" + url.PathEscape(args[1]) + "?suppressSecrets=true"
			if c.json() {
				return c.printJSON(cmd.Context(), cl, path)
			}
			var r workflowRun
			if err := cl.get(cmd.Context(), path, &r); err != nil {
				return err
			}
			var a activity
			if r.Status == "RUNNING" && cl.get(cmd.Context(), activityPath(r.Task)+"?suppressSecrets=true", &a) != nil {
				a = activity{} // what it waits for cannot be told
			}
			c.showWorkflow(&r, &a)
			return nil
		},
	}
}

func (c *cli) showWorkflow(r *workflowRun, a *activity) {
	c.printf("%s %s: %s since %s, activity %s\n", oneLine(r.Name), r.ID, strings.ToLower(r.Status), stamp(r.Changed).Format(time.DateTime), r.Task)
	if r.Current != nil {
		c.printf("at step %s, %s\n", r.Current.Path, oneLine(r.Current.Name))
	}
	if a.Blocking != "" {
		c.printf("waits: %s\n", clean(a.Blocking))
	}
	if r.HeldLock != "" {
		c.printf("holds lock %s\n", clean(r.HeldLock))
	}
	for _, part := range []struct {
		name string
		v    map[string]any
	}{{"input", r.Input}, {"variables", r.Variables}} {
		if len(part.v) > 0 {
			c.printf("%s: %s\n", part.name, oneLine(value(part.v)))
		}
	}
	c.showSteps(r)
	if len(r.Replays) > 1 {
		for _, p := range r.Replays {
			c.printf("run of %s: %s %s\n", stamp(p.Began).Format(time.DateTime), strings.ToLower(p.Status), clean(p.Reason))
		}
	}
	switch {
	case r.Error != "":
		c.printf("error: %s\n", clean(r.Error))
	case r.Output != nil:
		c.printf("output: %s\n", value(r.Output))
	}
}

func (c *cli) showSteps(r *workflowRun) {
	numbers := make([]int, 0, len(r.Old))
	for key := range r.Old {
		if n, err := strconv.Atoi(key); err == nil && n >= 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		s := r.Old[strconv.Itoa(n)]
		line := "step " + strconv.Itoa(n)
		if s.Context != nil {
			line += ", " + oneLine(s.Context.Name)
		}
		switch {
		case s.Context != nil && s.Context.Error != "":
			line += ": " + oneLine(s.Context.Error)
		case s.Context != nil && s.Context.Output != nil:
			line += " = " + oneLine(value(s.Context.Output))
		}
		if s.Started > 1 {
			line += " (" + strconv.Itoa(s.Started) + " times)"
		}
		c.printf("%s\n", line)
	}
}

func (c *cli) workflowRunCommand() *cobra.Command {
	var wait bool
	var steps []string
	cmd := &cobra.Command{
		Use: "run APPLICATION[/ENTITY] [FILE]", Short: "Run a workflow for an entity and print what it gives", Args: cobra.RangeArgs(1, 2),
		ValidArgsFunction: c.applicationNames,
		Long: `Run a workflow from a file, from standard input for "-", or from --step:

  gowanus workflow run shop/cache --step 'let n = 1 + 1' --step 'return ${n}'

Interrupting the command does not cancel the workflow; "gowanus workflow cancel" does.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := c.workflowText(args[1:], steps)
			if err != nil {
				return err
			}
			cl, path, err := c.workflowsOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			a := new(activity)
			if err := cl.call(cmd.Context(), http.MethodPost, path+"?timeout=0", b, a); err != nil {
				return err
			}
			return c.result(cmd.Context(), cl, a, wait, "the workflow")
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", true, "wait for the end")
	cmd.Flags().StringArrayVar(&steps, "step", nil, "a step in one line, in the place of a file; may be repeated")
	return cmd
}

// workflowText gives the workflow that arguments name.
func (c *cli) workflowText(files, steps []string) (*body, error) {
	if (len(files) == 0) == (len(steps) == 0) {
		return nil, usageError("expected either a file or --step")
	}
	if len(steps) == 0 {
		return c.blueprint(files[0])
	}
	var text strings.Builder
	for _, s := range steps {
		text.WriteString("- " + strconv.Quote(s) + "\n")
	}
	return &body{text: []byte(text.String()), contentType: blueprintType, file: "--step"}, nil
}

func (c *cli) workflowReplayCommand() *cobra.Command {
	var wait, force bool
	var from, reason string
	cmd := &cobra.Command{
		Use: "replay APPLICATION[/ENTITY] ID", Short: "Run an ended workflow again", Args: cobra.ExactArgs(2),
		Long: `Run an ended workflow again: from its start, from the last step that is replayable
("last"), from where it ended ("end"), or from the step of a number. Variables are
as they were there.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, path, err := c.workflowsOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			q := url.Values{"timeout": {"0"}, "force": {strconv.FormatBool(force)}, "reason": {reason}}
			a := new(activity)
			path += "/" + url.PathEscape(args[1]) + "/replay/from/" + url.PathEscape(from) + "?" + q.Encode()
			if err := cl.call(cmd.Context(), http.MethodPost, path, nil, a); err != nil {
				return err
			}
			return c.result(cmd.Context(), cl, a, wait, "the replay of "+args[1])
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "from", "last", "start, last, end, or the number of a step")
	f.BoolVar(&force, "force", false, "also from what is not replayable")
	f.StringVar(&reason, "reason", "", "why, for those who look at it later")
	f.BoolVarP(&wait, "wait", "w", true, "wait for the end")
	return cmd
}

func (c *cli) workflowCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel APPLICATION[/ENTITY] ID", Short: "Ask a workflow to stop", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, path, err := c.workflowsOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var r workflowRun
			if err := cl.get(cmd.Context(), path+"/"+url.PathEscape(args[1])+"?suppressSecrets=true", &r); err != nil {
				return err
			}
			return c.cancelActivity(cmd.Context(), cl, r.Task, "workflow "+args[1])
		},
	}
}
