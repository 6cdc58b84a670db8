package sign

import (
	"slices"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// Subject is what signatures are asked to vouch for.
type Subject struct {
	Name   string // of the repository that it came from
	Digest string // of its manifest
	Remote bool   // it came from a registry, whose name is known to all
	Now    time.Time
}

// Verified is what a trusted signature said.
type Verified struct {
	Key         string // its name in the trust
	Fingerprint string
	Payload
}

// Verify finds a signature that the trust takes for the subject, under a rule.
// The error, fault.Forbidden, tells of each signature why it is not taken.
func (t *Trust) Verify(s Subject, r Rule, signatures []Signature) (*Verified, error) {
	if len(signatures) == 0 {
		return nil, refuse(s, "it is not signed")
	}
	if len(t.Keys) == 0 && t.Origin != "" {
		return nil, refuse(s, "no key is trusted; expected files NAME%s in %s", keySuffix, t.Origin)
	}
	if len(t.Keys) == 0 {
		return nil, refuse(s, "no key is trusted; give a public key, or a folder of them, with --trust")
	}
	var why []string
	for i := range signatures {
		v, err := t.verify(s, r, &signatures[i])
		if err == nil {
			return v, nil
		}
		text := err.Error()
		if o := signatures[i].Origin; o != "" {
			text = "the signature in " + o + " " + text
		}
		if !slices.Contains(why, text) {
			why = append(why, text)
		}
	}
	return nil, refuse(s, "%s", strings.Join(why, "; "))
}

func refuse(s Subject, format string, args ...any) error {
	err := fault.New(fault.Forbidden, format, args...)
	return fault.New(fault.Forbidden, "%s@%s is refused: %w", s.Name, s.Digest, err)
}

// verify checks one signature: first who made it, then what it says. The texts
// of its errors go on after "the signature".
func (t *Trust) verify(s Subject, r Rule, signature *Signature) (*Verified, error) {
	err := fault.New(fault.Forbidden, "was made with none of the trusted keys (%s)", t.keyNames())
	for i := range t.Keys {
		k := &t.Keys[i]
		if !signature.madeBy(k.Public) {
			continue
		}
		p, problem := signature.parse()
		if problem == nil {
			problem = k.takes(s, r, p)
		}
		if problem == nil {
			return &Verified{Key: k.Name, Fingerprint: k.Fingerprint, Payload: p}, nil
		}
		err = fault.New(fault.Forbidden, "of key %s %w", k.Name, problem)
	}
	return nil, err
}

func (k *Key) takes(s Subject, r Rule, p Payload) error {
	switch {
	case p.Digest != s.Digest:
		return fault.New(fault.Forbidden, "is for the digest %.100s", p.Digest)
	case !k.NotAfter.IsZero() && !s.Now.Before(k.NotAfter):
		return fault.New(fault.Forbidden, "is not trusted any more: the key expired at %s", k.NotAfter.Format(time.RFC3339))
	case !p.Expires.IsZero() && !s.Now.Before(p.Expires):
		return fault.New(fault.Forbidden, "expired at %s", p.Expires.Format(time.RFC3339))
	case p.Created.After(s.Now.Add(maxSkew)):
		return fault.New(fault.Forbidden, "is from the future, %s: look at the clocks", p.Created.Format(time.RFC3339))
	case p.Identity == "" && (r.Identity == nil || !r.Identity.Match("")):
		return fault.New(fault.Forbidden, "names no repository; with cosign, sign with --new-bundle-format=false, or let the policy say identity \"**\"")
	case len(k.Repositories) > 0 && !slices.ContainsFunc(k.Repositories, func(x Pattern) bool { return x.Match(p.Identity) }):
		return fault.New(fault.Forbidden, "is for the repository %.300s, for which the key may not sign", p.Identity)
	case r.Identity != nil && !r.Identity.Match(p.Identity):
		return fault.New(fault.Forbidden, "is for the repository %.300s; the policy expects %s", p.Identity, r.Identity)
	case r.Identity == nil && s.Remote && p.Identity != s.Name:
		return fault.New(fault.Forbidden, "is for the repository %.300s", p.Identity)
	}
	return nil
}
