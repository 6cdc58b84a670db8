package web

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/predicate"
	"github.com/gowanus-project/gowanus/engine/action"
	"github.com/gowanus-project/gowanus/engine/catalog"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/hook"
	"github.com/gowanus-project/gowanus/internal/coerce"
)

// Config makes the parts of this package.
type Config struct {
	Log    *slog.Logger
	Limits Limits
}

const version = "1.0.0"

// Actions gives the steps http and check-endpoint.
func (c Config) Actions() []action.Action {
	return []action.Action{
		{Name: "http", Doc: "make an HTTP request; the output has status_code, headers, content and content_json", Run: c.step},
		{Name: "check-endpoint", Doc: "see whether an address accepts connections; the output has reachable, error and duration", Run: checkEndpoint},
	}
}

func (c Config) step(ctx context.Context, call *action.Call) (any, error) {
	in := call.Input
	r := request{method: "GET", url: coerce.Text(in["endpoint"]), confine: confined(in["confine"])}
	if r.url == "" {
		r.url = coerce.Text(in["url"])
	}
	r.query, _ = in["query"].(map[string]any)
	r.headers, _ = in["headers"].(map[string]any)
	for name, to := range map[string]*string{"method": &r.method, "username": &r.username, "password": &r.password, "body": &r.body} {
		if v, ok := in[name]; ok && v != nil {
			*to = coerce.Text(v)
		}
	}
	resp, err := r.send(ctx, c.Limits)
	if err != nil {
		return nil, err
	}
	wanted := in["status_code"]
	switch {
	case wanted == nil && (resp.status < 200 || resp.status > 299):
		return nil, invalid("%s answered with status %d", r.url, resp.status)
	case wanted != nil:
		p, err := predicate.CompileAny(wanted, predicate.Limits{})
		if err != nil {
			return nil, invalid("step input status_code: %w", err)
		}
		if ok, err := p.Test(ctx, predicate.Subject{Value: int64(resp.status)}); err != nil || !ok {
			return nil, invalid("%s answered with status %d, which is not the one that is wanted", r.url, resp.status)
		}
	}
	return resp.document(), nil
}

// Types gives the initializers of this package.
func (c Config) Types() []*catalog.Type {
	request := []hook.ConfigKey{
		{Name: "uri", Flags: []string{"url", "httpUrl"}, Type: "string", Required: true, Description: "the URL"},
		{Name: "headers", Type: "map", Description: "of the request"},
		{Name: "jsonPath", Type: "string", Description: "what of the answer counts, as JSONPath; all when absent"},
	}
	sensor := append([]hook.ConfigKey{
		{Name: "name", Type: "string", Required: true, Description: "the sensor"},
		{Name: "targetType", Type: "string", Description: "what the value is coerced to"},
		{Name: "username", Type: "string", Description: "for basic authentication"},
		{Name: "password", Type: "string", Description: "for basic authentication"},
	}, request...)
	effector := append([]hook.ConfigKey{
		{Name: "name", Type: "string", Required: true, Description: "the effector"},
		{Name: "description", Type: "string"},
		{Name: "parameters", Type: "raw", Description: "of the effector"},
		{Name: "httpVerb", Flags: []string{"method"}, Type: "string", Default: "GET", Description: "the method"},
		{Name: "httpUsername", Flags: []string{"username"}, Type: "string", Description: "for basic authentication"},
		{Name: "httpPassword", Flags: []string{"password"}, Type: "string", Description: "for basic authentication"},
		{Name: "httpPayload", Flags: []string{"body"}, Type: "any", Description: "the body"},
		{Name: "publishSensor", Flags: []string{"sensor"}, Type: "string", Description: "a sensor for the result"},
		{Name: "jsonPathAndSensors", Type: "map", Description: "sensors for parts of the answer, by JSONPath"},
	}, request...)
	return []*catalog.Type{
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.sensor.http.HttpRequestSensor", Kind: catalog.Initializer,
				Aliases:     []string{"org.apache.brooklyn.core.sensor.HttpRequestSensor", "brooklyn.entity.software.http.HttpRequestSensor", "http-request-sensor", "http-sensor"},
				Description: "asks a URL again and again, and publishes what it answers", Config: append(sensor, catalog.FeedKeys()...),
			},
			Version: version, Initializer: c.sensor,
		},
		{
			Type: hook.Type{
				Name: "org.apache.brooklyn.core.effector.http.HttpCommandEffector", Kind: catalog.Initializer,
				Aliases:     []string{"org.apache.brooklyn.core.effector.HttpCommandEffector", "http-command-effector", "http-effector"},
				Description: "an effector that makes an HTTP request", Config: effector,
			},
			Version: version, Initializer: declareEffector, Entity: command{},
		},
	}
}

func (c Config) sensor(config map[string]any) (*catalog.Contribution, error) {
	f, err := catalog.ReadFeed(config)
	if err != nil {
		return nil, err
	}
	name := coerce.Text(config["name"])
	f.Name, f.Sensors = name, []hook.Sensor{{Name: name, Type: coerce.Text(config["targetType"])}}
	f.Poll = func(ctx context.Context, _ *entity.Entity, config map[string]any) (map[string]any, error) {
		r := request{method: "GET", url: coerce.Text(config["uri"]), username: coerce.Text(config["username"]), password: coerce.Text(config["password"])}
		r.headers, _ = config["headers"].(map[string]any)
		resp, err := r.send(ctx, c.Limits)
		if err != nil {
			return nil, err
		}
		if resp.status < 200 || resp.status > 299 {
			return nil, invalid("%s answered with status %d", r.url, resp.status)
		}
		v, err := resp.part(coerce.Text(config["jsonPath"]))
		if typ := coerce.Text(config["targetType"]); err == nil && typ != "" && v != nil {
			v, err = coerce.To(typ, v)
		}
		return map[string]any{name: v}, err
	}
	return &catalog.Contribution{Feed: f}, nil
}

// part gives what a JSONPath names in an answer, or for none its text.
func (r *response) part(path string) (any, error) {
	if path == "" {
		return strings.TrimSuffix(r.content, "\n"), nil
	}
	if r.parsed == nil {
		return nil, invalid("the answer is not JSON, so jsonPath %s names nothing", path)
	}
	v, err := predicate.Find(path, r.parsed)
	if _, missing := v.(predicate.Missing); missing && err == nil {
		return nil, invalid("jsonPath %s names nothing in the answer", path)
	}
	return v, err
}

func declareEffector(config map[string]any) (*catalog.Contribution, error) {
	e, err := catalog.ReadEffector(config)
	if err != nil {
		return nil, err
	}
	return &catalog.Contribution{Effectors: []hook.Effector{*e}}, nil
}

// command decides what an HttpCommandEffector does: the request, then what is
// made of its answer.
type command struct{}

// Effector answers with the request.
func (command) Effector(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	config := c.Initializer
	in := map[string]any{"endpoint": config["uri"], "method": config["httpVerb"]}
	for from, to := range map[string]string{"headers": "headers", "httpUsername": "username", "httpPassword": "password", "httpPayload": "body"} {
		if config[from] != nil {
			in[to] = config[from]
		}
	}
	for name, v := range c.Args { // an argument stands for a key of the request
		if _, known := map[string]bool{"endpoint": true, "method": true, "body": true, "headers": true, "query": true}[name]; known {
			in[name] = v
		}
	}
	return &hook.Decision{Steps: []hook.Step{{Step: "http", Input: in}, {Continue: "answer"}}}, nil
}

// Continue makes the result, and the sensors, of the answer.
func (command) Continue(_ context.Context, c *hook.EffectorCall) (*hook.Decision, error) {
	out, _ := c.Outputs[len(c.Outputs)-1].Output.(map[string]any)
	resp := &response{content: coerce.Text(out["content"]), parsed: out["content_json"]}
	result, err := resp.part(coerce.Text(c.Initializer["jsonPath"]))
	if err != nil {
		return nil, err
	}
	d := &hook.Decision{Result: result, Sensors: map[string]any{}}
	if name := coerce.Text(c.Initializer["publishSensor"]); name != "" {
		d.Sensors[name] = result
	}
	paths, _ := c.Initializer["jsonPathAndSensors"].(map[string]any)
	for path, name := range paths {
		if d.Sensors[coerce.Text(name)], err = resp.part(path); err != nil {
			return nil, err
		}
	}
	return d, nil
}
