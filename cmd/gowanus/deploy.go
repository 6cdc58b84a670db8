package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/internal/yamlpos"
)

// blueprintType is what blueprints are sent as.
const blueprintType = "application/yaml"

func (c *cli) deployCommand() *cobra.Command {
	var wait bool
	var location, id string
	cmd := &cobra.Command{
		Use: "deploy FILE", Short: "Deploy a blueprint as an application", Args: cobra.ExactArgs(1),
		Long: `Deploy a blueprint and start the application. FILE may be "-" for standard input.

With --wait the command ends when the application runs, or failed to start.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := c.blueprint(args[0])
			if err == nil && location != "" {
				b.text, err = locate(b.file, b.text, location)
			}
			if err != nil {
				return err
			}
			return c.deploy(cmd.Context(), b, id, wait)
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "wait until the application runs")
	cmd.Flags().StringVarP(&location, "location", "l", "", "where to deploy, for a blueprint that does not say it")
	cmd.Flags().StringVar(&id, "id", "", "id for the application; one that is in use is refused")
	return cmd
}

func (c *cli) deploy(ctx context.Context, b *body, id string, wait bool) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	method, path := http.MethodPost, "/v1/applications"
	if id != "" {
		method, path = http.MethodPut, applicationPath(id)
	}
	_, text, err := cl.do(ctx, method, path, b)
	if err != nil {
		return err
	}
	var start activity
	if err := json.Unmarshal(text, &start); err != nil {
		return fail(exitFailed, "the answer is not an activity: %w", err)
	}
	switch {
	case wait:
		err = c.follow(ctx, cl, c.newView("running", "on-fire"), start.EntityID, start.ID)
	case !c.json():
		c.printf("%s is starting as application %s, activity %s\n", clean(start.EntityName), start.EntityID, start.ID)
		return nil
	}
	if err == nil && c.json() {
		return c.printJSON(ctx, cl, activityPath(start.ID))
	}
	return err
}

// blueprint reads a file, or standard input for "-".
func (c *cli) blueprint(file string) (*body, error) {
	b := &body{contentType: blueprintType, file: filepath.ToSlash(file)}
	var err error
	if file == "-" {
		b.file = "stdin"
		b.text, err = io.ReadAll(c.stdin)
	} else {
		b.text, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, usageError("read the blueprint: %w", err)
	}
	return b, nil
}

// locate adds a location to a blueprint that has none. The lines of the text
// stay where they are, so that errors point into the file.
func locate(file string, text []byte, name string) ([]byte, error) {
	root, err := yamlpos.Parse(file, text, yamlpos.Limits{})
	if err != nil {
		return nil, usageError("Error in blueprint: %w", err)
	}
	if root.Kind != yamlpos.Map {
		return nil, usageError("Error in blueprint: %s: expected a map", root.Pos)
	}
	for _, key := range []string{"location", "locations"} {
		if n := root.Get(key); n != nil {
			return nil, usageError("%s: the blueprint says where to deploy already; leave out --location", n.Pos)
		}
	}
	quoted, err := json.Marshal(name)
	if err != nil {
		return nil, usageError("--location: %w", err)
	}
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("{")) {
		return bytes.Replace(text, []byte("{"), fmt.Appendf(nil, `{"location": %s, `, quoted), 1), nil
	}
	out := fmt.Appendf(nil, "%s\nlocation: %s\n", text, quoted)
	if _, err := yamlpos.Parse(file, out, yamlpos.Limits{}); err != nil {
		return nil, usageError("--location cannot be added to this blueprint; write it into the file: %w", err)
	}
	return out, nil
}
