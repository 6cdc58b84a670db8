package server

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/secret"
)

type versionSummary struct {
	Version     string    `json:"version"`
	BuildSHA1   string    `json:"buildSha1"`
	BuildBranch string    `json:"buildBranch"`
	Features    []feature `json:"features"`
}

type feature struct {
	Name         string `json:"name"`
	SymbolicName string `json:"symbolicName"`
	Version      string `json:"version"`
}

func (s *Server) version(c echo.Context) error {
	return ok(c, versionSummary{s.cfg.Version, s.cfg.Commit, "", []feature{{"Gowanus", "gowanus", s.cfg.Version}}})
}

// planeID gives the id raw, without quotes.
func (s *Server) planeID(c echo.Context) error { return replyRaw(c, s.engine.Plane()) }

func (s *Server) up(c echo.Context) error { return ok(c, !s.stopping()) }

func (s *Server) shuttingDown(c echo.Context) error { return ok(c, s.stopping()) }

func (s *Server) healthy(c echo.Context) error { return ok(c, s.isHealthy()) }

func (s *Server) isHealthy() bool { return !s.engine.Health().Store.ReadOnly }

func (s *Server) user(c echo.Context) error { return ok(c, c.Get(userKey)) }

type upExtended struct {
	Up           bool           `json:"up"`
	ShuttingDown bool           `json:"shuttingDown"`
	Healthy      bool           `json:"healthy"`
	OSGIUp       bool           `json:"osgiUp"`
	HA           haSummary      `json:"ha"`
	Sensitive    sensitive      `json:"brooklyn.security.sensitive.fields"`
	Store        map[string]any `json:"store,omitempty"`
}

type sensitive struct {
	Tokens           []string `json:"tokens"`
	PlaintextBlocked bool     `json:"plaintext.blocked"`
}

func (s *Server) upExtended(c echo.Context) error {
	out := upExtended{
		Up: !s.stopping(), ShuttingDown: s.stopping(), Healthy: s.isHealthy(), OSGIUp: true, HA: s.highAvailability(),
		Sensitive: sensitive{Tokens: secret.Words()},
	}
	if h := s.engine.Health().Store; h.ReadOnly || h.LastError != "" {
		out.Store = map[string]any{"readOnly": h.ReadOnly, "reason": h.Reason, "lastError": h.LastError}
	}
	return ok(c, out)
}

type haSummary struct {
	PlaneID  string            `json:"planeId"`
	OwnID    string            `json:"ownId"`
	MasterID string            `json:"masterId"`
	Nodes    map[string]haNode `json:"nodes"`
	Links    struct{}          `json:"links"`
}

type haNode struct {
	NodeID          string  `json:"nodeId"`
	NodeURI         *string `json:"nodeUri"`
	Status          string  `json:"status"`
	LocalTimestamp  int64   `json:"localTimestamp"`
	RemoteTimestamp int64   `json:"remoteTimestamp"`
	Priority        int     `json:"priority"`
}

const master = "MASTER"

// highAvailability describes a plane of one server, which is its master.
func (s *Server) highAvailability() haSummary {
	id, now := s.engine.Plane(), time.Now().UnixMilli()
	node := haNode{NodeID: id, Status: master, LocalTimestamp: now, RemoteTimestamp: now}
	return haSummary{PlaneID: id, OwnID: id, MasterID: id, Nodes: map[string]haNode{id: node}}
}

func (s *Server) haState(c echo.Context) error { return ok(c, master) }

func (s *Server) haStates(c echo.Context) error { return ok(c, s.highAvailability()) }

func (s *Server) haPriority(c echo.Context) error { return ok(c, 0) }

type accessSummary struct {
	LocationProvisioningAllowed bool     `json:"locationProvisioningAllowed"`
	Links                       struct{} `json:"links"`
}

func (s *Server) access(c echo.Context) error {
	return ok(c, accessSummary{LocationProvisioningAllowed: true})
}

type logoutBody struct {
	Message     string `json:"message"`
	CurrentUser string `json:"currentUser,omitempty"`
}

// logout has no session to end. It helps browsers forget the password, by
// refusing the request when asked to.
func (s *Server) logout(c echo.Context) error {
	current, _ := c.Get(userKey).(string)
	if user := c.QueryParam("user"); user != "" && user != current {
		return fault.New(fault.Forbidden, "the request is made as '%s' and cannot log '%s' out", current, user)
	}
	if message := c.QueryParam("unauthorize"); message != "" {
		return reply(c, http.StatusUnauthorized, logoutBody{message, current})
	}
	return ok(c, logoutBody{"logged out", current})
}
