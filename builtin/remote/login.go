package remote

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// auth gives the ways in which a target lets itself be logged in to.
func (t *target) auth() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if t.key != nil {
		signer, err := parseKey(t.key, t.passphrase)
		if err != nil {
			return nil, err
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if t.password != "" {
		answer := func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = t.password
			}
			return answers, nil
		}
		methods = append(methods, ssh.Password(t.password), ssh.KeyboardInteractive(answer))
	}
	return methods, nil
}

// parseKey reads a private key. Its errors show nothing of it.
func parseKey(pem, passphrase []byte) (ssh.Signer, error) {
	var locked *ssh.PassphraseMissingError
	var signer ssh.Signer
	var err error
	if len(passphrase) > 0 {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, passphrase)
	} else {
		signer, err = ssh.ParsePrivateKey(pem)
	}
	switch {
	case errors.As(err, &locked):
		return nil, fault.New(fault.Invalid, "ssh: the private key is encrypted: privateKeyPassphrase is missing")
	case err != nil && len(passphrase) > 0:
		return nil, fault.New(fault.Invalid, "ssh: the private key cannot be read with privateKeyPassphrase")
	case err != nil:
		return nil, fault.New(fault.Invalid, "ssh: this is no private key in PEM")
	}
	return signer, nil
}

// hostKeys gives the check of a target's own key, and the algorithms for which
// the file of known hosts has one: a server that has several keys must show
// one that can be checked.
func (t *target) hostKeys() (ssh.HostKeyCallback, []string, error) {
	check, err := knownhosts.New(t.knownHosts)
	if errors.Is(err, os.ErrNotExist) {
		check, err = nil, nil
	}
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "ssh: known hosts: %w", err)
	}
	callback := func(name string, remote net.Addr, key ssh.PublicKey) error {
		if check == nil {
			return t.unknown(key)
		}
		err := check(name, remote, key)
		var mismatch *knownhosts.KeyError
		switch {
		case !errors.As(err, &mismatch):
			return err
		case len(mismatch.Want) == 0:
			return t.unknown(key)
		}
		known := mismatch.Want[0]
		return fault.New(fault.Forbidden, "ssh: %s has another key than the one in %s:%d: it shows %s, known is %s; if that is right, take the line away and add its new key",
			t.address(), known.Filename, known.Line, ssh.FingerprintSHA256(key), ssh.FingerprintSHA256(known.Key))
	}
	if check == nil {
		return callback, nil, nil
	}
	var all *knownhosts.KeyError
	if errors.As(check(t.address(), &net.TCPAddr{IP: net.IPv4zero}, noKey{}), &all) {
		return callback, algorithms(all.Want), nil
	}
	return callback, nil, nil
}

// unknown is the error of a host that nobody vouched for.
func (t *target) unknown(key ssh.PublicKey) error {
	host := t.host
	if t.port != "22" {
		host = "-p " + t.port + " " + t.host
	}
	return fault.New(fault.Forbidden, "ssh: %s is not in %s: it shows the key %s; once you have made sure that this is its key, accept it with: ssh-keyscan %s >> %s",
		t.address(), t.knownHosts, ssh.FingerprintSHA256(key), host, t.knownHosts)
}

// algorithms gives those of known keys, none when no key is known.
func algorithms(known []knownhosts.KnownKey) []string {
	var out []string
	for _, k := range known {
		if k.Key.Type() == ssh.KeyAlgoRSA { // one key, signed in a newer way
			out = append(out, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		out = append(out, k.Key.Type())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// noKey is a key that no host has.
type noKey struct{}

// Type is that of no algorithm.
func (noKey) Type() string { return "none" }

// Marshal gives what no key is.
func (noKey) Marshal() []byte { return []byte("none") }

// Verify fails.
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("this is no key") }

// dial connects and logs in.
func (r *Remote) dial(ctx context.Context, t *target) (*ssh.Client, error) {
	auth, err := t.auth()
	if err != nil {
		return nil, err
	}
	check, algorithms, err := t.hostKeys()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.config.Connect, fault.New(fault.Unavailable, "ssh: no connection to %s within %s (Config.Connect)", t.address(), r.config.Connect))
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.address())
	if err != nil {
		return nil, t.refused(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	c, channels, requests, err := ssh.NewClientConn(raw, t.address(), &ssh.ClientConfig{
		User: t.user, Auth: auth, HostKeyCallback: check, HostKeyAlgorithms: algorithms, ClientVersion: "SSH-2.0-Gowanus",
	})
	if !stop() || err != nil {
		raw.Close()
		return nil, t.refused(ctx, err)
	}
	return ssh.NewClient(c, channels, requests), nil
}

// refused gives a failure to connect its kind.
func (t *target) refused(ctx context.Context, err error) error {
	var classified *fault.Error
	switch {
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case errors.As(err, &classified):
		return classified
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fault.New(fault.Unauthorized, "ssh: %s does not let %s log in with what it was given", t.address(), t.user)
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return fault.New(fault.Forbidden, "ssh: %s has no key of a kind that %s has for it: %w", t.address(), t.knownHosts, err)
	}
	return fault.New(fault.Unavailable, "ssh: %s: %w", t.address(), err)
}
