package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/hook"
)

// Names within the run directory of an entity.
const (
	recordFile = ".process.json"
	stdoutLog  = "stdout.log"
	stderrLog  = "stderr.log"
	pidFile    = "pid.txt"
)

// removedPrefix marks run directories that are being removed; entity ids do
// not start so.
const removedPrefix = ".removed-"

// record says what the server knows of an entity's process. It is durable
// before anything that it describes happens.
type record struct {
	Version     int      `json:"version"`
	Entity      string   `json:"entity"`
	Application string   `json:"application"`
	Process     *started `json:"process,omitempty"` // nil when nothing was started, or it was stopped
}

// started is one run of a command.
type started struct {
	ident
	Run     string  `json:"run"`               // random; in the environment of everything that it starts
	Boot    string  `json:"boot"`              // the boot of the machine it belongs to
	Members []ident `json:"members,omitempty"` // daemons seen when the leader had ended
	Ended   string  `json:"ended,omitempty"`   // how it ended, for users; "" while it is thought to run
	Done    bool    `json:"done,omitempty"`    // the command did its work at once and left nothing to watch
}

const recordVersion = 1

var validID = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)

// runDir gives the run directory of an entity.
func (p *Provider) runDir(entity string) (string, error) {
	if !validID.MatchString(entity) {
		return "", fault.New(fault.Invalid, "entity id %q cannot name a directory", entity)
	}
	return filepath.Join(p.dir, entity), nil
}

// makeRunDir creates the run directory with a first record, unless it is there.
func (p *Provider) makeRunDir(e hook.Ref) (string, error) {
	dir, err := p.runDir(e.ID)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, recordFile)); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := syncDir(p.dir); err != nil {
		return "", err
	}
	return dir, writeJSON(filepath.Join(dir, recordFile), record{Version: recordVersion, Entity: e.ID, Application: e.Application})
}

// readRecord gives the record in a run directory; os.ErrNotExist if it has none.
func readRecord(dir string) (record, error) {
	var r record
	path := filepath.Join(dir, recordFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s is damaged: %w; remove it when nothing of the entity runs any more", path, err)
	}
	if r.Version != recordVersion {
		return r, fmt.Errorf("%s has version %d, expected %d", path, r.Version, recordVersion)
	}
	return r, nil
}

// writeJSON replaces a file at once: after a crash the old or the new content
// is there, and the new one once writeJSON has returned.
func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
