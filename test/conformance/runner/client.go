package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client is the part of the REST API that the cases need.
type client struct {
	base, user, password string
	http                 *http.Client
	patience             time.Duration // 0, or no wait lasts longer
}

// How long an answer, and the end of a task, is waited for.
const (
	answerTimeout = 90 * time.Second
	taskTimeout   = 60 * time.Second
)

func newClient(base, user, password string) *client {
	return &client{base: strings.TrimRight(base, "/") + "/v1", user: user, password: password, http: &http.Client{Timeout: answerTimeout}}
}

// wait shortens a wait to the client's patience.
func (c *client) wait(d time.Duration) time.Duration {
	if c.patience > 0 {
		return min(d, c.patience)
	}
	return d
}

// refusal is an answer with a status of 400 or more; its text is what error expectations are matched against.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("HTTP %d: %s", r.status, r.text) }

// errGone is an answer 404.
var errGone = errors.New("404")

// do sends a request and returns the status and the decoded JSON body (the raw text when it is not JSON).
func (c *client) do(method, path string, body []byte, contentType string) (int, any, error) {
	req, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(c.user, c.password)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Csrf-Token-Required-For-Requests", "none")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	var v any
	if len(bytes.TrimSpace(raw)) > 0 {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if dec.Decode(&v) != nil {
			v = string(raw)
		}
	}
	if resp.StatusCode >= 400 {
		text := string(raw)
		if m, ok := v.(map[string]any); ok { // match on the decoded text, not on JSON escapes
			text = fmt.Sprint(or(m["message"], ""), " ", or(m["details"], ""))
		}
		return resp.StatusCode, v, &refusal{resp.StatusCode, strings.TrimSpace(text)}
	}
	return resp.StatusCode, v, nil
}

func (c *client) get(path string) (any, error) {
	_, v, err := c.do("GET", path, nil, "")
	var r *refusal
	if errors.As(err, &r) && r.status == 404 {
		return nil, fmt.Errorf("%w: %s", errGone, r.text)
	}
	return v, err
}

func (c *client) postJSON(path string, body any) (int, any, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	return c.do("POST", path, b, "application/json")
}

// deploy submits a blueprint and waits for the start task to end. A refusal, or a start that failed, is deployErr.
func (c *client) deploy(blueprint string) (app string, deployErr, err error) {
	_, v, e := c.do("POST", "/applications", []byte(blueprint), "application/yaml")
	if e != nil {
		var r *refusal
		if errors.As(e, &r) {
			return "", r, nil
		}
		return "", nil, e
	}
	m, _ := v.(map[string]any)
	app, _ = m["entityId"].(string)
	task, _ := m["id"].(string)
	if app == "" || task == "" {
		return "", nil, fmt.Errorf("POST /applications answered without entityId and id: %v", v)
	}
	t, e := c.await(task, taskTimeout)
	if e != nil {
		return app, nil, e
	}
	if t.failed {
		return app, errors.New(t.text), nil
	}
	return app, nil, nil
}

// taskState is an activity as far as the cases look at it.
type taskState struct {
	ended, failed bool
	result        any
	text          string
}

// task reads an activity.
func (c *client) task(id string) (taskState, error) {
	v, err := c.get("/activities/" + url.PathEscape(id))
	if err != nil {
		return taskState{}, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return taskState{}, fmt.Errorf("activity %s: not an object: %v", id, v)
	}
	failed, _ := m["isError"].(bool)
	cancelled, _ := m["isCancelled"].(bool)
	t := taskState{ended: m["endTimeUtc"] != nil, failed: failed || cancelled, result: m["result"]}
	t.text = fmt.Sprint(m["result"], " ", m["detailedStatus"])
	return t, nil
}

// await polls an activity until it has ended.
func (c *client) await(id string, within time.Duration) (taskState, error) {
	within = c.wait(within)
	deadline := time.Now().Add(within)
	for {
		t, err := c.task(id)
		if err != nil || t.ended {
			return t, err
		}
		if time.Now().After(deadline) {
			return t, fmt.Errorf("task %s has not ended within %s", id, within)
		}
		time.Sleep(25 * time.Millisecond)
	}
}
