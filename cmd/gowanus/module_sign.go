package main

import (
	"context"
	"crypto"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gowanus-project/gowanus/internal/oci/ship"
	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

const (
	keyPasswordEnv = "GOWANUS_KEY_PASSWORD"
	maxKeyFile     = 64 << 10
)

// signFlags say how something is signed.
type signFlags struct {
	key, identity, passwordFile string
	valid                       time.Duration
}

// add gives a command the flags; name is the one for the key.
func (s *signFlags) add(cmd *cobra.Command, name string) {
	f := cmd.Flags()
	f.StringVar(&s.key, name, "", "file with the private key to sign with, of gowanus module keygen or of cosign")
	f.StringVar(&s.passwordFile, "key-password-file", "", "file with the password of the key (environment: "+keyPasswordEnv+" has the password itself)")
	f.StringVar(&s.identity, "identity", "", "repository that the signature is for, if it is not the one of REF; a layout has no name of its own")
	f.DurationVar(&s.valid, "valid", 0, "how long the signature counts, like 8760h (default: for ever)")
}

func (s *signFlags) signing(ctx context.Context, c *cli) (ship.Signing, error) {
	if s.valid < 0 {
		return ship.Signing{}, usageError("--valid is %s; expected more than 0", s.valid)
	}
	text, err := readFile("the private key", s.key, maxKeyFile)
	if err != nil {
		return ship.Signing{}, err
	}
	key, err := sign.DecodePrivate(text, func() ([]byte, error) { return c.keyPassword(ctx, s.passwordFile, "password of "+s.key+": ") })
	if err != nil {
		return ship.Signing{}, registryError(fmt.Errorf("%s: %w", s.key, err))
	}
	return ship.Signing{Key: key, Identity: s.identity, Validity: s.valid}, nil
}

// keyPassword finds the password of a private key, or asks for it.
func (c *cli) keyPassword(ctx context.Context, file, prompt string) ([]byte, error) {
	if file != "" {
		text, err := readFile("--key-password-file", file, maxKeyFile)
		return []byte(strings.TrimRight(string(text), "\r\n")), err
	}
	if p, set := os.LookupEnv(keyPasswordEnv); set {
		return []byte(p), nil
	}
	f, isFile := c.stdin.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return nil, usageError("the key has a password; give it in %s or --key-password-file", keyPasswordEnv)
	}
	fmt.Fprint(c.stderr, prompt)
	defer fmt.Fprintln(c.stderr)
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	password, err := interruptible(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // what is typed shows again
	}
	return password, err
}

func (c *cli) moduleSignCommand() *cobra.Command {
	var r registryFlags
	var s signFlags
	cmd := &cobra.Command{
		Use: "sign REF --key FILE", Short: "Sign what is in a registry", Args: cobra.ExactArgs(1),
		Long: `Add a signature to what is published under REF, beside those that it has. It is kept
as cosign keeps its signatures by key.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.key == "" {
				return usageError("--key is missing: the file with the private key")
			}
			signing, err := s.signing(cmd.Context(), c)
			if err != nil {
				return err
			}
			digest, err := ship.Sign(cmd.Context(), args[0], signing, r.options())
			if err != nil {
				return registryError(err)
			}
			return c.signed(args[0], digest, signing.Key.Public())
		},
	}
	r.add(cmd)
	s.add(cmd, "key")
	return cmd
}

func (c *cli) signed(ref, digest string, key crypto.PublicKey) error {
	if c.json() {
		return c.printValue(map[string]string{"reference": ref, "digest": digest, "key": sign.Fingerprint(key)})
	}
	c.printf("%s is signed\n  digest %s\n  key    %s\n", ref, digest, sign.Fingerprint(key))
	return nil
}

func (c *cli) moduleVerifyCommand() *cobra.Command {
	var r registryFlags
	var t trustFlags
	var l lockFlags
	cmd := &cobra.Command{
		Use: "verify REF", Short: "Check who signed what is in a registry, and show what it is", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, _, err := fetching(args[0], &r, &t, &l)
			if err != nil {
				return err
			}
			f, err := ship.Inspect(cmd.Context(), args[0], o)
			if err != nil {
				return registryError(err)
			}
			return c.fetched(f, "")
		},
	}
	r.add(cmd)
	t.add(cmd)
	l.add(cmd)
	return cmd
}
