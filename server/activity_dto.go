package server

import (
	"fmt"
	"net/url"
	"time"

	"github.com/gowanus-project/gowanus/engine/entity"
	"github.com/gowanus-project/gowanus/engine/task"
	"github.com/gowanus-project/gowanus/internal/secret"
)

type taskSummary struct {
	ID                string                `json:"id"`
	DisplayName       string                `json:"displayName"`
	Description       string                `json:"description"`
	EntityID          string                `json:"entityId,omitempty"`
	EntityDisplayName string                `json:"entityDisplayName,omitempty"`
	Tags              []any                 `json:"tags"`
	SubmitTimeUTC     int64                 `json:"submitTimeUtc,omitempty"`
	StartTimeUTC      int64                 `json:"startTimeUtc,omitempty"`
	EndTimeUTC        int64                 `json:"endTimeUtc,omitempty"`
	CurrentStatus     string                `json:"currentStatus"`
	Result            any                   `json:"result,omitempty"`
	IsError           bool                  `json:"isError"`
	IsCancelled       bool                  `json:"isCancelled"`
	Children          []taskLink            `json:"children"`
	SubmittedByTask   *taskLink             `json:"submittedByTask,omitempty"`
	BlockingDetails   string                `json:"blockingDetails,omitempty"`
	DetailedStatus    string                `json:"detailedStatus,omitempty"`
	Streams           map[string]streamLink `json:"streams"`
	Links             taskLinks             `json:"links"`
}

type taskLink struct {
	Link     string       `json:"link"`
	Metadata taskMetadata `json:"metadata"`
}

type taskMetadata struct {
	ID                string `json:"id"`
	TaskName          string `json:"taskName"`
	EntityID          string `json:"entityId,omitempty"`
	EntityDisplayName string `json:"entityDisplayName,omitempty"`
}

type streamLink struct {
	Link     string         `json:"link"`
	Metadata streamMetadata `json:"metadata"`
}

type streamMetadata struct {
	Name     string `json:"name"`
	Size     int    `json:"size"`
	SizeText string `json:"sizeText"`
}

type taskLinks struct {
	Self     string `json:"self"`
	Children string `json:"children"`
	Entity   string `json:"entity,omitempty"`
}

// effectorTag tells which effector an activity calls, with what.
type effectorTag struct {
	EntityID       string         `json:"entityId"`
	EffectorName   string         `json:"effectorName"`
	EffectorParams map[string]any `json:"effectorParams"`
}

// entityTag tells which entity an activity acts on.
type entityTag struct {
	WrappingType string     `json:"wrappingType"`
	Entity       entityStub `json:"entity"`
}

func taskPath(id task.ID) string { return "/v1/activities/" + url.PathEscape(string(id)) }

// summary describes an activity. Secrets among an effector's arguments never
// show; those in its result do not when suppress is set.
func (s *Server) summary(info task.Info, suppress bool) taskSummary {
	var ent *entity.Entity
	if info.Entity != "" {
		ent = s.byID(info.Entity)
	}
	return s.summaryOn(info, suppress, ent)
}

// summaryOn is summary for those who know an entity that may be the one.
func (s *Server) summaryOn(info task.Info, suppress bool, ent *entity.Entity) taskSummary {
	self := taskPath(info.ID)
	out := taskSummary{
		ID: string(info.ID), DisplayName: info.Name, Description: info.Description,
		EntityID: info.Entity, EntityDisplayName: info.EntityName, Tags: tagsOf(info),
		SubmitTimeUTC: millis(info.Submitted), StartTimeUTC: millis(info.Started), EndTimeUTC: millis(info.Ended),
		CurrentStatus: phrase(info.Status), Result: info.Result,
		IsError: info.Status == task.Failed || info.Status == task.Cancelled, IsCancelled: info.Status == task.Cancelled,
		Children: []taskLink{}, Streams: streamsOf(info, self), BlockingDetails: info.Blocking, DetailedStatus: detailed(info),
		Links: taskLinks{Self: self, Children: self + "/children"},
	}
	if info.Error != "" {
		out.Result = info.Error
	} else if suppress {
		out.Result = secret.Mask("", info.Result)
	}
	for _, child := range s.children(info) {
		out.Children = append(out.Children, linkOf(child.Info()))
	}
	if info.Parent != "" {
		if parent, err := s.engine.Tasks().Get(info.Parent); err == nil {
			link := linkOf(parent.Info())
			out.SubmittedByTask = &link
		}
	}
	if ent != nil && info.Workflow != "" {
		tag := workflowTag{ApplicationID: string(ent.Application()), EntityID: info.Entity, WorkflowID: info.Workflow, WorkflowName: info.Name}
		if info.Step > 0 {
			i := info.Step - 1
			tag.StepIndex, tag.WorkflowName = &i, ""
		}
		out.Tags = append(out.Tags, tag)
	}
	if ent != nil && string(ent.ID()) == info.Entity {
		out.Links.Entity = pathOf(ent)
	}
	return out
}

func linkOf(info task.Info) taskLink {
	return taskLink{taskPath(info.ID), taskMetadata{string(info.ID), info.Name, info.Entity, info.EntityName}}
}

func streamsOf(info task.Info, self string) map[string]streamLink {
	out := make(map[string]streamLink, len(info.Streams))
	for name, size := range info.Streams {
		out[name] = streamLink{self + "/stream/" + url.PathEscape(name), streamMetadata{name, size, sizeText(size)}}
	}
	return out
}

func tagsOf(info task.Info) []any {
	out := []any{}
	if info.Entity != "" {
		out = append(out, entityTag{"contextEntity", entityStub{info.Entity, info.EntityName}})
	}
	if info.Effector != "" {
		params := secret.Map(info.Args)
		if params == nil {
			params = map[string]any{}
		}
		out = append(out, effectorTag{info.Entity, info.Effector, params})
	}
	seen := map[string]bool{}
	words := info.Tags
	if info.Parent != "" {
		words = append(words, "SUB-TASK")
	}
	for _, w := range words {
		if !seen[w] {
			out = append(out, w)
		}
		seen[w] = true
	}
	return out
}

// phrase gives a status in Brooklyn's words.
func phrase(s task.Status) string {
	switch s {
	case task.Submitted:
		return "Submitted for execution"
	case task.Running:
		return "In progress"
	case task.Cancelled:
		return "Cancelled"
	case task.Failed:
		return "Failed"
	}
	return "Completed"
}

// detailed says at length where an activity stands.
func detailed(info task.Info) string {
	took := info.Ended.Sub(info.Started).Round(time.Millisecond)
	switch {
	case !info.Status.Ended() && info.Blocking != "":
		return phrase(info.Status) + ": " + info.Blocking
	case !info.Status.Ended():
		return phrase(info.Status)
	case info.Started.IsZero():
		took = 0
	}
	text := fmt.Sprintf("%s after %s", phrase(info.Status), took)
	if info.Error != "" {
		text += ": " + info.Error
	}
	return text
}

// millis gives milliseconds since 1970, 0 for no time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func sizeText(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
