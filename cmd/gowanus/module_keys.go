package main

import (
	"bytes"
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/internal/oci/sign"
)

func (c *cli) moduleKeygenCommand() *cobra.Command {
	var kind, passwordFile string
	var unencrypted bool
	cmd := &cobra.Command{
		Use: "keygen NAME", Short: "Make a pair of keys to sign with", Args: cobra.ExactArgs(1),
		Long: `Make a pair of keys: NAME.key, the private one, and NAME.pub, the public one, which
goes into the --trust folder of those who shall believe it. The private key is
encrypted with a password, in the format of cosign.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := sign.Generate(kind)
			if err != nil {
				return usageError("--kind: %w", err)
			}
			var password []byte
			if !unencrypted {
				if password, err = c.newKeyPassword(cmd.Context(), passwordFile); err != nil {
					return err
				}
			}
			private, err := sign.EncodePrivate(key, password)
			if err != nil {
				return err
			}
			public, err := sign.EncodePublic(key.Public())
			if err != nil {
				return err
			}
			if err := writePair(args[0], private, public); err != nil {
				return err
			}
			if c.json() {
				return c.printValue(map[string]string{"private": args[0] + ".key", "public": args[0] + ".pub", "fingerprint": sign.Fingerprint(key.Public())})
			}
			c.printf("%s.key is the private key, %s.pub the public one\n  fingerprint %s\n", args[0], args[0], sign.Fingerprint(key.Public()))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&kind, "kind", sign.ECDSA, "kind of the keys: ecdsa (P-256) or ed25519")
	f.StringVar(&passwordFile, "key-password-file", "", "file with the password of the key (environment: "+keyPasswordEnv+" has the password itself)")
	f.BoolVar(&unencrypted, "unencrypted", false, "keep the private key without a password")
	return cmd
}

// newKeyPassword asks for a password twice, if it has to ask.
func (c *cli) newKeyPassword(ctx context.Context, file string) ([]byte, error) {
	password, err := c.keyPassword(ctx, file, "password for the new key: ")
	if err != nil {
		return nil, err
	}
	if len(password) == 0 {
		return nil, usageError("the password is empty; to keep the key without one, use --unencrypted")
	}
	if _, set := os.LookupEnv(keyPasswordEnv); file != "" || set {
		return password, nil
	}
	again, err := c.keyPassword(ctx, file, "the same again: ")
	if err == nil && !bytes.Equal(again, password) {
		err = usageError("the passwords differ")
	}
	return password, err
}

// writePair writes two new files, the private one for nobody else to read.
func writePair(name string, private, public []byte) error {
	for _, f := range []struct {
		file string
		text []byte
		mode os.FileMode
	}{{name + ".key", private, 0o600}, {name + ".pub", public, 0o644}} {
		out, err := os.OpenFile(f.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
		if errors.Is(err, os.ErrExist) {
			return fail(exitConflict, "%s is there already; keys are not replaced", f.file)
		}
		if err != nil {
			return usageError("write the key: %w", err)
		}
		_, err = out.Write(f.text)
		if err := errors.Join(err, out.Close()); err != nil {
			return fail(exitFailed, "write %s: %w", f.file, err)
		}
	}
	return nil
}
