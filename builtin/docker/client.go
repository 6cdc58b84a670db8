package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	apicontainer "github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	apinetwork "github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/docker/go-connections/nat"

	"github.com/gowanus-project/gowanus/engine/fault"
)

// engine is a daemon behind the Docker API. The API version is negotiated, so
// that old and new engines are served.
type engine struct{ api *client.Client }

// connect prepares a connection; the first call makes it. idle is how many
// connections are kept open between calls.
func connect(h hostConfig, idle int) (daemon, error) {
	transport := &http.Transport{
		TLSClientConfig:     h.tls,
		MaxIdleConns:        idle,
		MaxIdleConnsPerHost: idle, // a new one costs a TLS handshake
		IdleConnTimeout:     time.Minute,
	}
	api, err := client.NewClientWithOpts(
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		client.WithHost(h.url), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fault.As(err, fault.Invalid)
	}
	return &engine{api: api}, nil
}

func (e *engine) Close() error { return e.api.Close() }

func (e *engine) Info(ctx context.Context) (info, error) {
	i, err := e.api.Info(ctx)
	if err != nil {
		return info{}, classify(err)
	}
	labels := make(map[string]string, len(i.Labels))
	for _, l := range i.Labels {
		k, v, _ := strings.Cut(l, "=")
		labels[k] = v
	}
	return info{Name: i.Name, CPUs: i.NCPU, Memory: i.MemTotal, Version: i.ServerVersion, Labels: labels, Time: i.SystemTime}, nil
}

func (e *engine) ImageID(ctx context.Context, ref string) (string, error) {
	i, err := e.api.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return "", fault.As(errNoImage, fault.NotFound)
	}
	return i.ID, classify(err)
}

func (e *engine) Pull(ctx context.Context, ref string, progress func(string)) error {
	body, err := e.api.ImagePull(ctx, ref, image.PullOptions{})
	if err != nil {
		return classify(err)
	}
	defer body.Close()
	for dec := json.NewDecoder(body); ; {
		var m struct{ ID, Status, Error string }
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return classify(err)
		case strings.Contains(m.Error, "not found"):
			return fault.New(fault.NotFound, "%s", m.Error)
		case m.Error != "":
			return fault.New(fault.Unavailable, "%s", m.Error)
		case m.Status != "Downloading" && m.Status != "Extracting": // those come many times a second
			progress(strings.TrimPrefix(m.ID+": "+m.Status, ": "))
		}
	}
}

func (e *engine) Create(ctx context.Context, s *spec) (string, error) {
	config := &apicontainer.Config{
		Image: s.Image, Hostname: s.Hostname, User: s.User, Env: s.Env, Labels: s.Labels,
		Cmd: s.Command, Entrypoint: s.Entrypoint, ExposedPorts: nat.PortSet{},
	}
	host := &apicontainer.HostConfig{
		Binds: s.Binds, Privileged: s.Privileged, ExtraHosts: s.ExtraHosts, PortBindings: nat.PortMap{},
		NetworkMode:   apicontainer.NetworkMode(s.Network),
		RestartPolicy: apicontainer.RestartPolicy{Name: apicontainer.RestartPolicyMode(s.Restart)},
		Resources:     apicontainer.Resources{Memory: s.Memory, CPUShares: s.CPUShares},
	}
	for _, p := range s.Ports {
		b := nat.PortBinding{}
		if p.Host != 0 {
			b.HostPort = strconv.Itoa(p.Host)
		}
		port := nat.Port(fmt.Sprintf("%d/%s", p.Container, p.Protocol))
		config.ExposedPorts[port] = struct{}{}
		host.PortBindings[port] = append(host.PortBindings[port], b)
	}
	endpoints := &apinetwork.NetworkingConfig{EndpointsConfig: map[string]*apinetwork.EndpointSettings{
		s.Network: {Aliases: s.Aliases, Links: s.Links},
	}}
	made, err := e.api.ContainerCreate(ctx, config, host, endpoints, nil, s.Name)
	if cerrdefs.IsNotFound(err) { // an unknown container cannot be meant
		return "", fault.As(missing(err, errNoImage), fault.NotFound)
	}
	return made.ID, classify(err)
}

// missing tells an absent network from whatever else may be absent.
func missing(err, other error) error {
	if strings.Contains(err.Error(), "network ") {
		return errNoNetwork
	}
	return other
}

func (e *engine) Inspect(ctx context.Context, idOrName string) (container, error) {
	c, err := e.api.ContainerInspect(ctx, idOrName)
	if err != nil {
		return container{}, classify(err)
	}
	v := container{
		ID: c.ID, Name: strings.TrimPrefix(c.Name, "/"), Hostname: c.Config.Hostname, Labels: c.Config.Labels,
		Status: status(c.State.Status), ExitCode: c.State.ExitCode, OutOfMem: c.State.OOMKilled,
		Addresses: map[string]string{}, Ports: map[string][]string{},
	}
	for name, n := range c.NetworkSettings.Networks {
		if n != nil && n.IPAddress != "" {
			v.Addresses[name] = n.IPAddress
		}
	}
	for port, bindings := range c.NetworkSettings.Ports {
		for _, b := range bindings {
			key := strings.TrimSuffix(string(port), "/tcp")
			v.Ports[key] = append(v.Ports[key], b.HostPort)
		}
	}
	return v, nil
}

func (e *engine) Start(ctx context.Context, id string) error {
	err := e.api.ContainerStart(ctx, id, apicontainer.StartOptions{})
	switch {
	case err == nil:
		return nil
	case cerrdefs.IsNotFound(err):
		return fault.As(missing(err, plain(err)), fault.NotFound)
	case strings.Contains(err.Error(), "port is already allocated"), strings.Contains(err.Error(), "address already in use"):
		return fault.As(plain(err), fault.Conflict)
	}
	return classify(err)
}

func (e *engine) Stop(ctx context.Context, id string, grace time.Duration) error {
	seconds := int(grace.Round(time.Second) / time.Second)
	return classify(e.api.ContainerStop(ctx, id, apicontainer.StopOptions{Timeout: &seconds}))
}

func (e *engine) Remove(ctx context.Context, id string) error {
	return classify(e.api.ContainerRemove(ctx, id, apicontainer.RemoveOptions{Force: true, RemoveVolumes: true}))
}

// labelled filters by "key=value" labels.
func labelled(labels []string) filters.Args {
	f := filters.NewArgs()
	for _, l := range labels {
		f.Add("label", l)
	}
	return f
}

func (e *engine) List(ctx context.Context, labels ...string) ([]container, error) {
	found, err := e.api.ContainerList(ctx, apicontainer.ListOptions{All: true, Filters: labelled(labels)})
	if err != nil {
		return nil, classify(err)
	}
	list := make([]container, 0, len(found))
	for _, c := range found {
		v := container{ID: c.ID, Labels: c.Labels, Status: status(c.State)}
		if len(c.Names) > 0 {
			v.Name = strings.TrimPrefix(c.Names[0], "/")
		}
		// The list has no exit code but in its human text, "Exited (137) 2 seconds ago".
		if _, err := fmt.Sscanf(c.Status, "Exited (%d)", &v.ExitCode); err != nil {
			v.ExitCode = 0
		}
		list = append(list, v)
	}
	return list, nil
}

func (e *engine) Log(ctx context.Context, id string, lines int) (string, error) {
	body, err := e.api.ContainerLogs(ctx, id, apicontainer.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)})
	if err != nil {
		return "", classify(err)
	}
	defer body.Close()
	var b bytes.Buffer
	_, err = stdcopy.StdCopy(&b, &b, io.LimitReader(body, logLimit))
	if b.Len() > 0 {
		err = nil // a cut frame; what came is what users need
	}
	return b.String(), classify(err)
}

func (e *engine) Follow(ctx context.Context, id string, out, errors io.Writer) error {
	body, err := e.api.ContainerLogs(ctx, id, apicontainer.LogsOptions{ShowStdout: true, ShowStderr: true, Follow: true})
	if err != nil {
		return classify(err)
	}
	defer body.Close()
	_, err = stdcopy.StdCopy(out, errors, body)
	return classify(err)
}

// logLimit bounds how much of a log is read, in bytes.
const logLimit = 64 << 10

func (e *engine) Network(ctx context.Context, name string) (network, error) {
	n, err := e.api.NetworkInspect(ctx, name, apinetwork.InspectOptions{})
	if cerrdefs.IsNotFound(err) {
		return network{}, fault.As(errNoNetwork, fault.NotFound)
	}
	return network{ID: n.ID, Name: n.Name, Labels: n.Labels}, classify(err)
}

func (e *engine) Networks(ctx context.Context, labels ...string) ([]network, error) {
	found, err := e.api.NetworkList(ctx, apinetwork.ListOptions{Filters: labelled(labels)})
	if err != nil {
		return nil, classify(err)
	}
	list := make([]network, 0, len(found))
	for _, n := range found {
		list = append(list, network{ID: n.ID, Name: n.Name, Labels: n.Labels})
	}
	return list, nil
}

func (e *engine) CreateNetwork(ctx context.Context, name string, labels map[string]string) error {
	_, err := e.api.NetworkCreate(ctx, name, apinetwork.CreateOptions{Driver: "bridge", Labels: labels})
	if err != nil && strings.Contains(err.Error(), "non-overlapping") {
		return fault.New(fault.Capacity, "%w (the engine's default-address-pools are used up)", plain(err))
	}
	return classify(err)
}

func (e *engine) RemoveNetwork(ctx context.Context, id string) error {
	err := e.api.NetworkRemove(ctx, id)
	if err != nil && strings.Contains(err.Error(), "active endpoints") {
		return fault.As(plain(err), fault.Precondition)
	}
	return classify(err)
}

func (e *engine) Events(ctx context.Context, since string, labels ...string) (<-chan event, <-chan error) {
	f := labelled(labels)
	f.Add("type", string(events.ContainerEventType))
	for _, action := range [...]string{"start", "die", "oom", "pause", "unpause", "destroy"} {
		f.Add("event", action)
	}
	in, failed := e.api.Events(ctx, events.ListOptions{Since: since, Filters: f})
	out, errs := make(chan event), make(chan error, 1)
	go func() { // ends with the library's own goroutine, that is with ctx or the stream
		for {
			select {
			case m := <-in:
				v := event{Action: string(m.Action), ID: m.Actor.ID, Labels: m.Actor.Attributes, ExitCode: m.Actor.Attributes["exitCode"]}
				select {
				case out <- v:
				case <-ctx.Done():
				}
			case err := <-failed:
				errs <- classify(err)
				return
			}
		}
	}()
	return out, errs
}

// plain takes the words away that only the docker command's users know.
func plain(err error) error {
	text, cut := strings.CutPrefix(err.Error(), "Error response from daemon: ")
	if !cut {
		return err
	}
	return errors.New(text)
}

// classify gives a failed call its kind. It keeps nil and the context's errors.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case client.IsErrConnectionFailed(err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.As(err, fault.Unavailable)
	case cerrdefs.IsNotFound(err):
		return fault.As(plain(err), fault.NotFound)
	case cerrdefs.IsConflict(err), cerrdefs.IsAlreadyExists(err):
		return fault.As(plain(err), fault.Conflict)
	case cerrdefs.IsInvalidArgument(err):
		return fault.As(plain(err), fault.Invalid)
	case cerrdefs.IsPermissionDenied(err), cerrdefs.IsUnauthorized(err):
		return fault.As(plain(err), fault.Forbidden)
	}
	// The engine failed at its work (it answers 500 for most of what can go
	// wrong outside), or the connection broke half way.
	return fault.As(plain(err), fault.Unavailable)
}
