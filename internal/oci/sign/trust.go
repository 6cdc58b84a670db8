package sign

import (
	"crypto"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
)

// Policy says what becomes of an artifact without a trusted signature.
type Policy string

// The policies.
const (
	Require Policy = "require" // it is refused
	Warn    Policy = "warn"    // it is taken, with a warning
	Off     Policy = "off"     // signatures are not looked at
)

// ParsePolicy reads the name of a policy.
func ParsePolicy(name string) (Policy, error) {
	switch p := Policy(name); p {
	case Require, Warn, Off:
		return p, nil
	}
	return "", fault.New(fault.Invalid, "policy %q; expected require, warn or off%s", name, nearest.Hint(name, []string{"require", "warn", "off"}))
}

// The files of a folder of trust.
const (
	keySuffix  = ".pub"
	policyFile = "policy.yaml"
)

const (
	maxKeys = 1000
	maxSkew = 5 * time.Minute // how far clocks may differ
)

// Key is a public key that is trusted.
type Key struct {
	Name        string
	Fingerprint string
	Public      crypto.PublicKey
	NotAfter    time.Time // from then on it is not; zero: never
	// Repositories are what it may sign for; none means all.
	Repositories []Pattern
}

// Rule is what holds for the repositories that it matches.
type Rule struct {
	Match    Pattern
	Policy   Policy
	Identity *Pattern // what signatures must name; nil: the repository itself
}

// Trust is whom to believe. Its zero value believes nobody, and requires
// signatures of all.
type Trust struct {
	Origin string // where it was read, for messages
	Keys   []Key
	Rules  []Rule // the first that matches counts
}

// Pattern is a glob over the names of repositories: * is any text without a
// slash, ** any text, ? one character but a slash.
type Pattern struct {
	text string
	exp  *regexp.Regexp
}

// maxPattern bounds the length of a pattern, in bytes.
const maxPattern = 512

// ParsePattern reads a pattern.
func ParsePattern(text string) (Pattern, error) {
	if text == "" || len(text) > maxPattern {
		return Pattern{}, fault.New(fault.Invalid, "a pattern of %d bytes; expected 1 to %d, like ghcr.io/team/*", len(text), maxPattern)
	}
	quoted := strings.NewReplacer(`\*\*`, `.*`, `\*`, `[^/]*`, `\?`, `[^/]`).Replace(regexp.QuoteMeta(text))
	exp, err := regexp.Compile(`(?s)\A` + quoted + `\z`)
	if err != nil {
		return Pattern{}, fault.New(fault.Invalid, "pattern %q: %w", text, err)
	}
	return Pattern{text, exp}, nil
}

// Match tells whether the whole name matches.
func (p Pattern) Match(name string) bool { return p.exp != nil && p.exp.MatchString(name) }

// String gives the pattern as it was written.
func (p Pattern) String() string { return p.text }

// ReadTrust reads whom to trust: a folder with public keys in files NAME.pub
// and rules in policy.yaml, or a file with one public key. Nothing at the path
// is fault.NotFound.
func ReadTrust(path string) (*Trust, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no %s; expected a folder with public keys, or a file with one", path)
	}
	if err != nil {
		return nil, fault.New(fault.Unavailable, "read the trusted keys: %w", err)
	}
	t := &Trust{Origin: path}
	if !info.IsDir() {
		return t, t.readKey(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "read the trusted keys: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), keySuffix) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if len(t.Keys) == maxKeys {
			return nil, fault.New(fault.Limit, "more than %d keys in %s", maxKeys, path)
		}
		if err := t.readKey(filepath.Join(path, e.Name())); err != nil {
			return nil, err
		}
	}
	return t, t.readPolicy(filepath.Join(path, policyFile))
}

func (t *Trust) readKey(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fault.New(fault.Unavailable, "read a trusted key: %w", err)
	}
	key, err := DecodePublic(text)
	if err != nil {
		return fault.New(fault.KindOf(err), "%s: %w", file, err)
	}
	name := strings.TrimSuffix(filepath.Base(file), keySuffix)
	t.Keys = append(t.Keys, Key{Name: name, Fingerprint: Fingerprint(key), Public: key})
	return nil
}

func (t *Trust) readPolicy(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.New(fault.Unavailable, "read the policy: %w", err)
	}
	return t.parsePolicy(file, text)
}

// RuleFor gives the rule for a repository. Where none matches, signatures are
// required.
func (t *Trust) RuleFor(name string) Rule {
	for _, r := range t.Rules {
		if r.Match.Match(name) {
			return r
		}
	}
	return Rule{Policy: Require}
}

func (t *Trust) keyNames() string {
	names := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		names[i] = k.Name
	}
	return strings.Join(names, ", ")
}
