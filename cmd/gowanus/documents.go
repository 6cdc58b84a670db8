package main

// The parts of the REST API's documents that the commands read.

type application struct {
	ID   string `json:"id"`
	Spec struct {
		Name      string   `json:"name"`
		Type      string   `json:"type"`
		Locations []string `json:"locations"`
	} `json:"spec"`
	Status string `json:"status"`
}

type entity struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	Type          string         `json:"type"`
	ApplicationID string         `json:"applicationId"`
	ParentID      string         `json:"parentId"`
	ServiceState  string         `json:"serviceState"`
	ServiceUp     *bool          `json:"serviceUp"`
	Children      []entity       `json:"children"`
	Sensors       map[string]any `json:"sensors"`
	Links         struct {
		Application string `json:"application"`
		Self        string `json:"self"`
	} `json:"links"`
}

type activity struct {
	ID              string `json:"id"`
	Name            string `json:"displayName"`
	EntityID        string `json:"entityId"`
	EntityName      string `json:"entityDisplayName"`
	Submitted       int64  `json:"submitTimeUtc"`
	Started         int64  `json:"startTimeUtc"`
	Ended           int64  `json:"endTimeUtc"`
	Status          string `json:"currentStatus"`
	DetailedStatus  string `json:"detailedStatus"`
	Blocking        string `json:"blockingDetails"`
	Result          any    `json:"result"`
	IsError         bool   `json:"isError"`
	IsCancelled     bool   `json:"isCancelled"`
	SubmittedByTask *struct {
		Metadata struct {
			ID string `json:"id"`
		} `json:"metadata"`
	} `json:"submittedByTask"`
	Streams map[string]struct {
		Metadata struct {
			Size int `json:"size"`
		} `json:"metadata"`
	} `json:"streams"`
}

// parent gives the id of the activity that this one is a part of, or "".
func (a *activity) parent() string {
	if a.SubmittedByTask == nil {
		return ""
	}
	return a.SubmittedByTask.Metadata.ID
}
