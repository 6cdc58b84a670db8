package server

import (
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/dsl/step"
	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/workflow"
	"github.com/gowanus-project/gowanus/internal/secret"
)

// workflowSummary is a run of a workflow in Brooklyn's shape.
type workflowSummary struct {
	WorkflowID              string             `json:"workflowId"`
	TaskID                  string             `json:"taskId"`
	Name                    string             `json:"name"`
	Entity                  entityStub         `json:"entity"`
	Status                  string             `json:"status"`
	LastStatusChangeTime    int64              `json:"lastStatusChangeTime"`
	ParentTag               *workflowTag       `json:"parentTag,omitempty"`
	StepsDefinition         any                `json:"stepsDefinition"`
	Condition               any                `json:"condition,omitempty"`
	Input                   map[string]any     `json:"input"`
	Variables               map[string]any     `json:"variables,omitempty"`
	OutputDefinition        any                `json:"outputDefinition,omitempty"`
	Output                  any                `json:"output,omitempty"`
	Error                   string             `json:"error,omitempty"`
	Lock                    any                `json:"lock,omitempty"`
	HeldLock                string             `json:"heldLock,omitempty"`
	Timeout                 any                `json:"timeout,omitempty"`
	OnError                 any                `json:"onError,omitempty"`
	Retention               map[string]any     `json:"retention"`
	Replays                 []replaySummary    `json:"replays"`
	ReplayableLastStep      *int               `json:"replayableLastStep,omitempty"`
	ReplayableFromStart     bool               `json:"replayableFromStart"`
	ReplayableAutomatically bool               `json:"replayableAutomatically"`
	ReplayableDisabled      bool               `json:"replayableDisabled"`
	IdempotentAll           bool               `json:"idempotentAll"`
	CurrentStepIndex        *int               `json:"currentStepIndex,omitempty"`
	PreviousStepIndex       *int               `json:"previousStepIndex,omitempty"`
	PreviousStepTaskID      string             `json:"previousStepTaskId,omitempty"`
	CurrentStepInstance     *stepInstance      `json:"currentStepInstance,omitempty"`
	OldStepInfo             map[string]oldStep `json:"oldStepInfo"`
}

// workflowTag tells which workflow an activity belongs to.
type workflowTag struct {
	ApplicationID string `json:"applicationId"`
	EntityID      string `json:"entityId"`
	WorkflowID    string `json:"workflowId"`
	WorkflowName  string `json:"workflowName,omitempty"`
	StepIndex     *int   `json:"stepIndex,omitempty"`
}

type replaySummary struct {
	TaskID          string `json:"taskId"`
	ReasonForReplay string `json:"reasonForReplay,omitempty"`
	SubmitTimeUTC   int64  `json:"submitTimeUtc,omitempty"`
	StartTimeUTC    int64  `json:"startTimeUtc,omitempty"`
	EndTimeUTC      int64  `json:"endTimeUtc,omitempty"`
	Status          string `json:"status"`
	IsError         bool   `json:"isError"`
	Result          any    `json:"result,omitempty"`
}

type stepInstance struct {
	StepIndex    int            `json:"stepIndex"`
	StepPath     string         `json:"stepPath"`
	DeclaredID   string         `json:"stepDefinitionDeclaredId,omitempty"`
	Name         string         `json:"name"`
	TaskID       string         `json:"taskId,omitempty"`
	Input        map[string]any `json:"input,omitempty"`
	Output       any            `json:"output,omitempty"`
	Next         string         `json:"next,omitempty"`
	Error        string         `json:"error,omitempty"`
	SubWorkflows []any          `json:"subWorkflows"`
}

// oldStep is a step of the workflow's own list that ran; -1 stands for the
// start, -2 for the end.
type oldStep struct {
	CountStarted   int           `json:"countStarted"`
	CountCompleted int           `json:"countCompleted"`
	Context        *stepInstance `json:"context,omitempty"`
	Previous       []int         `json:"previous,omitempty"`
	Next           []int         `json:"next,omitempty"`
}

// The keys of oldStepInfo for what is before the first step and behind the last.
const (
	beforeSteps = -1
	behindSteps = -2
)

func workflowStatus(s workflow.Status) string {
	switch s {
	case workflow.Succeeded:
		return "SUCCESS"
	case workflow.Failed:
		return "ERROR"
	case workflow.Cancelled:
		return "ERROR_CANCELLED"
	}
	return "RUNNING"
}

// workflowOf describes a run.
func workflowOf(v *workflow.View, ent *entity.Entity, suppress bool) workflowSummary {
	hide := func(x any) any { return x }
	hideMap := func(m map[string]any) map[string]any { return m }
	if suppress {
		hide = func(x any) any { return secret.Mask("", x) }
		hideMap = secret.Map
	}
	def := v.Definition
	out := workflowSummary{
		WorkflowID: string(v.ID), TaskID: v.Task, Name: v.Name, Entity: entityStub{string(ent.ID()), ent.Name()},
		Status: workflowStatus(v.Status), LastStatusChangeTime: millis(v.Created), Input: hideMap(v.Input), Variables: hideMap(v.Variables),
		Output: hide(v.Output), Error: v.Error, HeldLock: v.Lock, Retention: map[string]any{}, OldStepInfo: map[string]oldStep{},
		ReplayableFromStart: def.Replayable.Point, ReplayableAutomatically: def.Replayable.Automatically, ReplayableDisabled: def.Replayable.Enabled == step.No,
		IdempotentAll: def.Idempotent == step.Yes,
	}
	if !v.Ended.IsZero() {
		out.LastStatusChangeTime = millis(v.Ended)
	}
	if out.Input == nil {
		out.Input = map[string]any{}
	}
	if v.Parent != "" {
		out.ParentTag = &workflowTag{ApplicationID: string(ent.Application()), EntityID: string(ent.ID()), WorkflowID: string(v.Parent)}
	}
	out.define(def, hide)
	out.replays(v, hide)
	out.steps(v, hide, hideMap)
	return out
}

// define fills in what the definition says.
func (out *workflowSummary) define(def *step.Workflow, hide func(any) any) {
	n := def.Node
	part := func(keys ...string) any {
		for _, key := range keys {
			if p := n.Get(key); p != nil {
				return hide(p.Any())
			}
		}
		return nil
	}
	if out.StepsDefinition = part("steps"); out.StepsDefinition == nil && len(n.Items) > 0 {
		out.StepsDefinition = hide(n.Any())
	}
	if out.StepsDefinition == nil {
		out.StepsDefinition = []any{}
	}
	out.Condition, out.OutputDefinition, out.Lock, out.Timeout = part("condition"), part("output"), part("lock"), part("timeout")
	out.OnError = part("on-error", "on_error", "onError")
	if r := part("retention"); r != nil {
		out.Retention["expiry"] = r
	}
}

// replays lists the runs of a run, the present one last.
func (out *workflowSummary) replays(v *workflow.View, hide func(any) any) {
	for _, r := range v.Replays {
		out.Replays = append(out.Replays, replaySummary{
			TaskID: r.Task, ReasonForReplay: r.Reason, SubmitTimeUTC: millis(r.Submitted), StartTimeUTC: millis(r.Submitted), EndTimeUTC: millis(r.Ended),
			Status: workflowStatus(r.Status), IsError: r.Status == workflow.Failed || r.Status == workflow.Cancelled, Result: hide(r.Result),
		})
	}
	out.Replays = append(out.Replays, replaySummary{
		TaskID: v.Task, SubmitTimeUTC: millis(v.Created), StartTimeUTC: millis(v.Created), EndTimeUTC: millis(v.Ended),
		Status: out.Status, IsError: v.Status == workflow.Failed || v.Status == workflow.Cancelled, Result: hide(v.Output),
	})
}

// steps fills in where the run stands and what ran.
func (out *workflowSummary) steps(v *workflow.View, hide func(any) any, hideMap func(map[string]any) map[string]any) {
	if v.Status == workflow.Running || v.Error != "" {
		out.CurrentStepIndex = index(v.Current)
	}
	if v.Point != "" && v.Point != "^" {
		out.ReplayableLastStep = index(v.Point)
	} else if v.Point == "^" {
		out.ReplayableLastStep = index("0")
	}
	for _, sv := range v.Steps {
		s := v.Definition.ByPath(sv.Path)
		if s == nil {
			continue
		}
		in := &stepInstance{
			StepIndex: s.Index, StepPath: sv.Path, DeclaredID: s.ID, Name: s.Label(), TaskID: sv.Task, Input: hideMap(sv.Input), Output: hide(sv.Output),
			Next: s.Next, Error: sv.Error, SubWorkflows: []any{},
		}
		if sv.Path == v.Current {
			out.CurrentStepInstance = in
			if out.PreviousStepIndex = index(sv.Previous); out.PreviousStepIndex != nil {
				out.PreviousStepTaskID = taskOf(v, sv.Previous)
			}
		}
		if n, err := strconv.Atoi(sv.Path); err == nil {
			old := oldStep{CountStarted: sv.Started, CountCompleted: sv.Completed, Context: in, Previous: []int{beforeSteps}}
			if p := index(sv.Previous); p != nil {
				old.Previous = []int{*p}
			}
			out.OldStepInfo[strconv.Itoa(n)] = old
		}
	}
	if len(out.OldStepInfo) > 0 {
		out.OldStepInfo[strconv.Itoa(beforeSteps)] = oldStep{Next: []int{0}}
		if v.Status == workflow.Succeeded {
			out.OldStepInfo[strconv.Itoa(behindSteps)] = oldStep{}
		}
	}
}

func taskOf(v *workflow.View, path string) string {
	for _, s := range v.Steps {
		if s.Path == path {
			return s.Task
		}
	}
	return ""
}

// index gives the number of the step of the workflow's own list in which a path
// leads; nil for none.
func index(path string) *int {
	end := strings.IndexFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(path)
	}
	n, err := strconv.Atoi(path[:end])
	if err != nil {
		return nil
	}
	return &n
}
