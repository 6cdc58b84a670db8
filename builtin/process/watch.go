package process

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
	"github.com/gowanus-project/gowanus/internal/failpoint"
)

// Watch tells the state of every process that should run, and then each
// change, until ctx ends. It also keeps log files from growing without end.
func (l *local) Watch(ctx context.Context, o location.Observer) error {
	p := l.provider
	w := &watcher{o}
	p.mu.Lock()
	for _, t := range p.entities {
		if t.run != nil && (t.run.up || t.run.reason != "") {
			o.Observe(observe(t, t.run))
		}
	}
	p.watchers[w] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, w)
	}()

	tick := time.NewTicker(p.logCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			for _, t := range p.all() {
				p.capLogs(t.dir)
			}
		}
	}
}

// all gives the entities that have a run directory.
func (p *Provider) all() []*tracked {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*tracked, 0, len(p.entities))
	for _, t := range p.entities {
		list = append(list, t)
	}
	return list
}

// Clean removes the run directories, with logs, of an application. What still
// runs there is stopped first.
func (l *local) Clean(ctx context.Context, application string) error {
	p := l.provider
	for _, t := range p.all() {
		t.mu.Lock()
		mine := t.rec.Application == application
		t.mu.Unlock()
		if !mine {
			continue
		}
		if err := p.remove(ctx, t); err != nil {
			return fault.Wrap(err, "remove process of", t.entity)
		}
	}
	return nil
}

func (p *Provider) remove(ctx context.Context, t *tracked) error {
	release, err := t.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := p.halt(ctx, t, p.stopTimeout); err != nil {
		return err
	}
	if err := p.endCommands(ctx, t.dir, ""); err != nil {
		return err
	}
	if err := failpoint.Hit("process.clean.before"); err != nil {
		return err
	}
	removed := filepath.Join(p.dir, removedPrefix+t.entity)
	if err := os.Rename(t.dir, removed); err != nil {
		return err
	}
	if err := os.RemoveAll(removed); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.entities, t.entity)
	return nil
}

// capLogs moves the content of log files that grew too large to NAME.1. The
// process keeps writing to the same file, so the lines of one instant between
// copy and cut may be lost.
func (p *Provider) capLogs(dir string) {
	for _, name := range []string{stdoutLog, stderrLog} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err != nil || info.Size() <= p.logBytes {
			continue
		}
		if err := moveContent(path, path+".1"); err != nil {
			p.log.Warn("log file is not cut", "file", path, "error", err)
		}
	}
}

func moveContent(from, to string) error {
	src, err := os.OpenFile(from, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err := errors.Join(err, dst.Close()); err != nil {
		return err
	}
	return src.Truncate(0)
}

// tailBytes is how much of a log stands in an error.
const tailBytes = 2 << 10

// tailFile gives the end of a file, from offset on.
func tailFile(path string, offset int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > offset+tailBytes {
		offset = info.Size() - tailBytes
	}
	text, _ := io.ReadAll(io.NewSectionReader(f, offset, tailBytes))
	return string(text)
}
