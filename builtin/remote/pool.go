package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// pool keeps one connection for all who log in to a machine in the same way.
type pool struct {
	mu     sync.Mutex
	open   map[string]*conn
	closed bool
}

// conn is a connection that is shared, or on its way.
type conn struct {
	made     chan struct{} // closed when client or err is set
	client   *ssh.Client
	err      error
	sessions chan struct{} // one token for each command under way
	users    int           // guarded by pool.mu
	idle     *time.Timer   // closes it; guarded by pool.mu
}

// id tells apart what must not share a connection: who proves less must not
// profit from what another one proved.
func (t *target) id() string {
	h := sha256.New()
	for _, part := range []string{t.user, t.address(), t.knownHosts, t.password, string(t.key), string(t.passphrase)} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// get gives the connection to a target, making it if there is none. Whoever has
// it calls release.
func (r *Remote) get(ctx context.Context, t *target) (c *conn, release func(), err error) {
	id := t.id()
	for {
		c, mine := r.take(id)
		if c == nil {
			return nil, nil, fault.New(fault.Unavailable, "ssh: the server is stopping")
		}
		release := func() { r.put(id, c) }
		if mine {
			c.client, c.err = r.dial(ctx, t)
			if c.err == nil {
				go r.watch(id, c) // ends with the connection
			} else {
				r.drop(id, c)
			}
			close(c.made)
		}
		select {
		case <-c.made:
		case <-ctx.Done():
			release()
			return nil, nil, context.Cause(ctx)
		}
		if c.err == nil {
			return c, release, nil
		}
		release()
		if kind := fault.KindOf(c.err); mine || ctx.Err() != nil || kind != fault.Cancelled && kind != fault.Timeout {
			return nil, nil, c.err
		} // whoever was connecting gave up, which says nothing about this caller
	}
}

// take gives the connection of an id and counts one more user; mine tells that
// the caller is to make it.
func (r *Remote) take(id string) (c *conn, mine bool) {
	p := &r.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false
	}
	c, ok := p.open[id]
	if !ok {
		c = &conn{made: make(chan struct{}), sessions: make(chan struct{}, r.config.Sessions)}
		p.open[id] = c
	}
	c.users++
	if c.idle != nil {
		c.idle.Stop()
	}
	return c, !ok
}

// put gives a connection back; unused, it closes after a while.
func (r *Remote) put(id string, c *conn) {
	p := &r.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.users--; c.users > 0 {
		return
	}
	if p.open[id] != c { // it was replaced, or the pool closed meanwhile
		if c.client != nil {
			c.client.Close()
		}
		return
	}
	c.idle = time.AfterFunc(r.config.Idle, func() { r.expire(id, c) })
}

func (r *Remote) expire(id string, c *conn) {
	p := &r.pool
	p.mu.Lock()
	unused := c.users == 0 && p.open[id] == c
	if unused {
		delete(p.open, id)
	}
	p.mu.Unlock()
	if unused && c.client != nil {
		c.client.Close()
	}
}

// drop forgets a connection that is of no use any more.
func (r *Remote) drop(id string, c *conn) {
	p := &r.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[id] == c {
		delete(p.open, id)
	}
}

func (p *pool) closeAll() {
	p.mu.Lock()
	all := p.open
	p.open, p.closed = map[string]*conn{}, true
	p.mu.Unlock()
	for _, c := range all {
		select {
		case <-c.made:
			if c.client != nil {
				c.client.Close()
			}
		default: // whoever makes it finds the pool closed when it is next used
		}
	}
}

// watch asks a connection for signs of life until it ends, and ends one that
// gives none: a machine that lost its power says nothing.
func (r *Remote) watch(id string, c *conn) {
	ended := make(chan struct{})
	go func() { // ends with the connection
		_ = c.client.Wait()
		close(ended)
	}()
	ticker := time.NewTicker(r.config.Probe)
	defer ticker.Stop()
	alive := make(chan struct{}, 1)
	waiting, missed := false, 0
	for {
		select {
		case <-ended:
			r.drop(id, c)
			return
		case <-alive:
			waiting, missed = false, 0
		case <-ticker.C:
			if !waiting {
				waiting = true
				go func() { // ends with the answer, or with the connection
					if _, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
						alive <- struct{}{}
					}
				}()
				continue
			}
			if missed++; missed >= r.config.Misses {
				r.config.Log.Warn("ssh connection gives no sign of life", "address", c.client.RemoteAddr().String())
				c.client.Close()
			}
		}
	}
}
