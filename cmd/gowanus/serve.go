package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gowanus-project/gowanus/engine/store/badger"
	"github.com/gowanus-project/gowanus/internal/failpoint"
	"github.com/gowanus-project/gowanus/internal/secret"
	"github.com/gowanus-project/gowanus/server"
)

// closePeriod is what stopping gives to activities to come to rest.
const closePeriod = 10 * time.Second

// serving is how a server is to run.
type serving struct {
	listen, dataDir, config string
	moduleCache             string
	logLevel, logFormat     string
	tlsCert, tlsKey         string
	allowShell              bool
}

func (c *cli) serveCommand() *cobra.Command {
	var o serving
	cmd := &cobra.Command{
		Use: "serve", Short: "Run a server", Args: cobra.NoArgs,
		Long: `Run a server until SIGTERM or SIGINT. Stopping it leaves the applications running;
the next server on the same data directory goes on with them.

When GOWANUS_ADMIN_PASSWORD is not set, the password is read from the file
` + passwordFile + ` in the data directory, which is made with a random one at first.

The file of --config is YAML:
  locations:
    my-docker-cloud:
      kind: docker
      hosts: [...]`,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serve(cmd.Context(), o) },
	}
	dir, _ := defaultDataDir() // without a home, --data-dir is required
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8081", "address to listen on; port 0 lets the system choose one")
	f.StringVar(&o.dataDir, "data-dir", dir, "directory for everything the server keeps")
	f.StringVar(&o.moduleCache, "module-cache", "", "directory for the compiled code of modules (default DATA_DIR/"+cacheDir+")")
	f.StringVar(&o.config, "config", "", "configuration file")
	f.StringVar(&o.logLevel, "log-level", "info", "least level to log: debug, info, warn or error")
	f.StringVar(&o.logFormat, "log-format", "text", "form of the log: text or json")
	f.StringVar(&o.tlsCert, "tls-cert", "", "file with the certificate chain, to serve https")
	f.StringVar(&o.tlsKey, "tls-key", "", "file with the certificate's private key")
	f.BoolVar(&o.allowShell, "allow-shell", false, "let workflows run commands as the server's user, with the step shell")
	return cmd
}

func (c *cli) serve(ctx context.Context, o serving) error {
	if err := failpoint.Enable(os.Getenv(failpoint.Env)); err != nil {
		return usageError("%s: %w", failpoint.Env, err)
	}
	log, err := c.logger(o)
	if err != nil {
		return err
	}
	set, err := readSettings(o.config)
	if err != nil {
		return err
	}
	l, err := o.listener()
	if err != nil {
		return err
	}
	defer l.Close()
	p, password, err := c.open(ctx, o, set, log)
	if err != nil {
		return err
	}
	scheme := "http"
	if o.tlsCert != "" {
		scheme = "https"
	} else if a, isTCP := l.Addr().(*net.TCPAddr); isTCP && !a.IP.IsLoopback() {
		log.Warn("listening beyond this machine without TLS: anybody on the way can read the password; use --tls-cert", "address", a.String())
	}
	go trim(ctx)
	fmt.Fprintf(c.stdout, "listening on %s://%s\n", scheme, l.Addr())
	err = server.New(p.engine, server.Config{
		Password: password, Version: version, Commit: commit, Log: log,
	}).Serve(ctx, l)
	log.Info("stopping")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closePeriod)
	defer cancel()
	return errors.Join(err, p.close(end))
}

// open opens the data directory and brings the engine up on it.
func (c *cli) open(ctx context.Context, o serving, set *settings, log *slog.Logger) (*parts, string, error) {
	if o.dataDir == "" {
		return nil, "", usageError("--data-dir is missing")
	}
	dir, err := filepath.Abs(o.dataDir)
	if err != nil {
		return nil, "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the data directory: %w", err)
	}
	s, err := badger.Open(badger.Config{Dir: filepath.Join(dir, storeDir), Log: log})
	if err != nil {
		return nil, "", fmt.Errorf("open the data directory %s: %w", dir, err)
	}
	password, err := c.adminPassword(dir)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("password: %w", err), s.Close())
	}
	plane, _, err := keep(dir, planeFile, newPlane)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("name of the server: %w", err), s.Close())
	}
	cache := cmp.Or(o.moduleCache, filepath.Join(dir, cacheDir))
	p, err := wire(ctx, s, wiring{dir: dir, cache: cache, files: filepath.Join(dir, modulesDir), plane: plane, shell: o.allowShell, log: log}, set)
	if err != nil {
		return nil, "", err
	}
	if err := p.prepare(cache, log); err != nil {
		return nil, "", errors.Join(err, p.close(context.WithoutCancel(ctx)))
	}
	return p, password, nil
}

// adminPassword gives the environment's password, or else the one that is kept
// in the data directory.
func (c *cli) adminPassword(dir string) (string, error) {
	if p := os.Getenv(passwordEnv); p != "" {
		return p, nil
	}
	p, made, err := keep(dir, passwordFile, newPassword)
	if made {
		fmt.Fprintf(c.stderr, "gowanus: made a password for the user admin: it is in %s\n", passwordPath(dir))
	}
	return p, err
}

func (o *serving) listener() (net.Listener, error) {
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return nil, usageError("--tls-cert and --tls-key are of use only together")
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, usageError("--listen: %w", err)
	}
	if o.tlsCert == "" {
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, errors.Join(usageError("--tls-cert: %w", err), l.Close())
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), nil
}

// hidden takes secrets that came from outside out of what is logged.
func hidden(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(secret.Hide(v))
	case error:
		a.Value = slog.StringValue(secret.Hide(v.Error()))
	}
	return a
}

func (c *cli) logger(o serving) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usageError("--log-level is %q; expected debug, info, warn or error", o.logLevel)
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: hidden}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(c.stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(c.stderr, options)), nil
	}
	return nil, usageError("--log-format is %q; expected text or json", o.logFormat)
}
