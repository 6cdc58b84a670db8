package badger

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
)

// logger passes Badger's messages on. Badger reports some failures that matter
// only here, so it also keeps those.
type logger struct {
	to *slog.Logger
	// fatal is the first message that means lost data though Badger goes on.
	fatal atomic.Pointer[string]
}

// What Badger says when it leaves out a table that does not check, and when
// values did not reach the disk.
var fatalMessages = [...]string{"Ignoring table", "Error while curlf sync"}

// Errorf implements badger.Logger.
func (l *logger) Errorf(format string, args ...any) {
	text := message(format, args)
	for _, begin := range fatalMessages {
		if strings.HasPrefix(text, begin) {
			l.fatal.CompareAndSwap(nil, &text)
		}
	}
	l.to.Error("badger: " + text)
}

// Warningf implements badger.Logger.
func (l *logger) Warningf(format string, args ...any) { l.to.Warn("badger: " + message(format, args)) }

// Infof implements badger.Logger. What Badger finds worth telling is detail
// to the operator of a server.
func (l *logger) Infof(format string, args ...any) { l.debug(format, args) }

// Debugf implements badger.Logger.
func (l *logger) Debugf(format string, args ...any) { l.debug(format, args) }

func (l *logger) debug(format string, args []any) {
	l.to.Debug("badger", "says", lazy{format, args})
}

// lazy is a message that is formatted only when it is logged: Badger has
// several for each write.
type lazy struct {
	format string
	args   []any
}

// LogValue implements slog.LogValuer.
func (m lazy) LogValue() slog.Value { return slog.StringValue(message(m.format, m.args)) }

// failure gives the message of fatal, if there was one.
func (l *logger) failure() (string, bool) {
	if text := l.fatal.Load(); text != nil {
		return *text, true
	}
	return "", false
}

func message(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
