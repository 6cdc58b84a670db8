package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/internal/nearest"
	"github.com/gowanus-project/gowanus/internal/oci"
	"github.com/gowanus-project/gowanus/internal/oci/lock"
	"github.com/gowanus-project/gowanus/internal/oci/ship"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

// Where commands find what is no flag.
const (
	registryPasswordEnv = "GOWANUS_REGISTRY_PASSWORD"
	trustEnv            = "GOWANUS_TRUST"
	trustDir            = "trust" // in the configuration folder of the user
)

// registryFlags say how registries are reached.
type registryFlags struct {
	user  string
	plain bool
}

func (r *registryFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.user, "registry-user", "", "name to log in with at the registry, the password being in "+registryPasswordEnv+" (default: as docker login left it)")
	f.BoolVar(&r.plain, "plain-http", false, "speak HTTP with a registry that is not on this machine")
}

func (r *registryFlags) options() oci.Options {
	return oci.Options{User: r.user, Password: os.Getenv(registryPasswordEnv), PlainHTTP: r.plain, UserAgent: "gowanus/" + version}
}

// trustFlags say whom to believe.
type trustFlags struct {
	policy, trust string
}

func (t *trustFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.policy, "verify", "", "what becomes of what has no trusted signature: require refuses it, warn, off (default: as policy.yaml in --trust says, else require)")
	f.StringVar(&t.trust, "trust", os.Getenv(trustEnv), "folder with public keys NAME.pub and policy.yaml, or one public key (environment: "+trustEnv+"; default CONFIG/gowanus/"+trustDir+")")
}

// read gives whom to believe. The folder that nobody named may be missing.
func (t *trustFlags) read() (*sign.Trust, sign.Policy, error) {
	var policy sign.Policy
	if t.policy != "" {
		var err error
		if policy, err = sign.ParsePolicy(t.policy); err != nil {
			return nil, "", usageError("--verify: %w", err)
		}
	}
	path := t.trust
	if path == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return &sign.Trust{}, policy, nil // without a home there is none
		}
		path = filepath.Join(config, "gowanus", trustDir)
	}
	trust, err := sign.ReadTrust(path)
	switch {
	case fault.KindOf(err) == fault.NotFound && t.trust == "":
		return &sign.Trust{}, policy, nil
	case err != nil:
		return nil, "", usageError("--trust: %w", err)
	}
	return trust, policy, nil
}

// lockFlags say what was fetched before.
type lockFlags struct {
	file   string
	update bool
	allow  []string
}

func (l *lockFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.file, "lock", "", "file that keeps what REF leads to (default "+lock.Name+", if it is there)")
	f.BoolVar(&l.update, "update", false, "look for what is newer than what is locked")
	f.StringSliceVar(&l.allow, "allow", nil, "with --update: what an update may bring: "+strings.Join(lock.Allowances(), ", "))
}

// read gives the lock file; nil when none is in use.
func (l *lockFlags) read() (*lock.File, error) {
	for _, a := range l.allow {
		if all := lock.Allowances(); !slices.Contains(all, a) {
			return nil, usageError("--allow %q; expected %s%s", a, strings.Join(all, ", "), nearest.Hint(a, all))
		}
	}
	if l.file == "" {
		if _, err := os.Stat(lock.Name); err != nil {
			return nil, nil
		}
		l.file = lock.Name
	}
	f, err := lock.Read(l.file)
	if err != nil {
		return nil, usageError("--lock: %w", err)
	}
	return f, nil
}

// fetching gives the options of what is fetched, and the lock file; l is nil
// where locks do not count.
func fetching(ref string, r *registryFlags, t *trustFlags, l *lockFlags) (ship.FetchOptions, *lock.File, error) {
	o := ship.FetchOptions{Registry: r.options()}
	var err error
	if o.Trust, o.Policy, err = t.read(); err != nil || l == nil {
		return o, nil, err
	}
	o.Update, o.Allowed = l.update, l.allow
	file, err := l.read()
	if err == nil && file != nil {
		o.Locked = file.Artifacts[ref]
	}
	return o, file, err
}

// registryError gives an error of a registry, a key or a signature its exit
// status.
func registryError(err error) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	codes := map[fault.Kind]int{
		fault.Invalid: exitUsage, fault.Limit: exitUsage, fault.NotFound: exitNotFound, fault.Unauthorized: exitRefused,
		fault.Forbidden: exitRefused, fault.Conflict: exitConflict, fault.Unavailable: exitUnreachable, fault.Timeout: exitUnreachable,
	}
	return &failure{cmp.Or(codes[fault.KindOf(err)], exitFailed), &cleaned{err}}
}

// cleaned is an error with words of others in it, which must not control the
// terminal.
type cleaned struct{ err error }

func (c *cleaned) Error() string { return clean(c.err.Error()) }
func (c *cleaned) Unwrap() error { return c.err }
