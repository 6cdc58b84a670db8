package server

import (
	"log/slog"
	"time"
)

// Config makes a Server.
type Config struct {
	User     string // default "admin"
	Password string // required
	Version  string // of the product, as /v1/server/version tells it
	Commit   string // it was built from; may be empty
	Log      *slog.Logger
	Limits   Limits
}

// Limits bound what clients may ask for. Zero fields take the defaults.
type Limits struct {
	Body           int64         // bytes of a request's body; default 5 MB
	Bundle         int64         // bytes of a bundle or module for the catalog; default 32 MiB
	Header         int           // bytes of a request's header; default 32 KiB
	HeaderTimeout  time.Duration // to send the header; default 10 s
	BodyTimeout    time.Duration // to send the body; default 1 min
	WriteTimeout   time.Duration // to take the answer, once it is ready; default 1 min
	IdleTimeout    time.Duration // a connection may be unused; default 2 min
	Wait           time.Duration // longest wait that a timeout parameter can ask for; default 1 h
	Connections    int           // open at the same time; more wait to be accepted; default 4096
	AuthFailures   int           // of one address within AuthWindow, until it is refused; default 10
	AuthWindow     time.Duration // default 1 min
	AuthAddresses  int           // remembered for their failures; default 10,000
	Quick          time.Duration // an attempt to resolve config that nobody wants to wait for; default 20 ms
	Grace          time.Duration // on top of the time a client waits for config, so that limits in the blueprint are told first; default 100 ms
	ShutdownPeriod time.Duration // given to requests under way when the server stops; default 5 s
}

func (l Limits) withDefaults() Limits {
	set(&l.Body, 5_000_000)
	set(&l.Bundle, 32<<20)
	set(&l.Header, 32<<10)
	set(&l.HeaderTimeout, 10*time.Second)
	set(&l.BodyTimeout, time.Minute)
	set(&l.WriteTimeout, time.Minute)
	set(&l.IdleTimeout, 2*time.Minute)
	set(&l.Wait, time.Hour)
	set(&l.Connections, 4096)
	set(&l.AuthFailures, 10)
	set(&l.AuthWindow, time.Minute)
	set(&l.AuthAddresses, 10_000)
	set(&l.Quick, 20*time.Millisecond)
	set(&l.Grace, 100*time.Millisecond)
	set(&l.ShutdownPeriod, 5*time.Second)
	return l
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
