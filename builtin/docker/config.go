package docker

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gowanus-project/gowanus/engine/fault"
	"github.com/gowanus-project/gowanus/engine/location"
)

const defaultHost = "unix:///var/run/docker.sock"

// placementKeys are those of a definition that placement reads.
var placementKeys = []string{
	"strategies", "docker.container.strategies", "docker.container.cluster.maxSize", "docker.container.cluster.maxCpu",
	"docker.container.cluster.maxMemory", "affinity.rules",
}

// Labels with a place on earth, in degrees. They are keys of a definition, too.
const (
	latitude  = "latitude"
	longitude = "longitude"
)

// hostConfig is one engine of a definition, checked.
type hostConfig struct {
	name    string // empty: the engine's own
	url     string
	address string
	labels  map[string]string
	tls     *tls.Config
}

// reader takes a definition apart; its errors name the location and the key.
type reader struct{ location string }

func (r reader) errorf(key, format string, args ...any) error {
	return fault.New(fault.Invalid, "location %q: %s: %s", r.location, key, fmt.Sprintf(format, args...))
}

// readDefinition checks a definition and gives its hosts. getenv is os.Getenv.
func readDefinition(d location.Definition, getenv func(string) string) ([]hostConfig, error) {
	r := reader{location: d.Name}
	config := d.Config
	if _, several := config["hosts"]; several {
		return r.several(config)
	}
	if config["host"] == nil && config["url"] == nil {
		config = fromEnvironment(config, getenv)
	}
	one, err := r.host("", config, nil, placementKeys...)
	if err != nil {
		return nil, err
	}
	return []hostConfig{one}, nil
}

// fromEnvironment completes a config that names no engine.
func fromEnvironment(config map[string]any, getenv func(string) string) map[string]any {
	config = maps.Clone(config)
	if config == nil {
		config = map[string]any{}
	}
	config["host"] = defaultHost
	host := getenv("DOCKER_HOST")
	if host == "" {
		return config
	}
	config["host"] = host
	if dir := getenv("DOCKER_CERT_PATH"); config["tls"] == nil && dir != "" && getenv("DOCKER_TLS_VERIFY") != "" {
		config["tls"] = map[string]any{
			"ca":   filepath.Join(dir, "ca.pem"),
			"cert": filepath.Join(dir, "cert.pem"),
			"key":  filepath.Join(dir, "key.pem"),
		}
	}
	return config
}

func (r reader) several(config map[string]any) ([]hostConfig, error) {
	if err := r.known("", config, slices.Concat([]string{"hosts", "tls", "labels", latitude, longitude}, placementKeys)...); err != nil {
		return nil, err
	}
	all, err := r.allLabels("", config)
	if err != nil {
		return nil, err
	}
	list, ok := config["hosts"].([]any)
	if !ok || len(list) == 0 {
		return nil, r.errorf("hosts", "must be a list of at least one host")
	}
	hosts := make([]hostConfig, 0, len(list))
	names := map[string]int{}
	for i, v := range list {
		key := fmt.Sprintf("hosts[%d]", i)
		m, ok := v.(map[string]any)
		if !ok {
			return nil, r.errorf(key, "must be a map with at least \"host\"")
		}
		h, err := r.host(key+".", m, config["tls"])
		if err != nil {
			return nil, err
		}
		if first, twice := names[h.name]; twice && h.name != "" {
			return nil, r.errorf(key+".name", "%q is the name of hosts[%d] already", h.name, first)
		}
		names[h.name] = i
		for k, v := range all {
			if _, own := h.labels[k]; !own {
				h.labels[k] = v
			}
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

// known refuses keys that nothing reads: they are misspelt.
func (r reader) known(prefix string, m map[string]any, keys ...string) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(keys, k) {
			return r.errorf(prefix+k, "unknown key, expected one of %s", strings.Join(keys, ", "))
		}
	}
	return nil
}

func (r reader) text(prefix, key string, m map[string]any) (string, error) {
	switch v := m[key].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", r.errorf(prefix+key, "must be a string, is %v", v)
	}
}

// host reads one engine. outer is the "tls" that holds for all; more are keys
// that are allowed here and read elsewhere.
func (r reader) host(prefix string, m map[string]any, outer any, more ...string) (hostConfig, error) {
	var h hostConfig
	keys := append([]string{"host", "url", "name", "address", "tls", "labels", latitude, longitude}, more...)
	if err := r.known(prefix, m, keys...); err != nil {
		return h, err
	}
	fields := map[string]string{}
	for _, k := range []string{"host", "url", "name", "address"} {
		v, err := r.text(prefix, k, m)
		if err != nil {
			return h, err
		}
		fields[k] = v
	}
	key := prefix + "host"
	h.url, h.name, h.address = fields["host"], fields["name"], fields["address"]
	switch {
	case h.url == "":
		key, h.url = prefix+"url", fields["url"]
	case fields["url"] != "":
		return h, r.errorf(prefix+"url", "means the same as \"host\": give one of them")
	}
	if h.url == "" {
		return h, r.errorf(prefix+"host", "missing: expected unix://PATH or tcp://HOST:PORT")
	}
	server, err := r.endpoint(key, &h)
	if err != nil {
		return h, err
	}
	if h.labels, err = r.allLabels(prefix, m); err != nil {
		return h, err
	}
	return h, r.secure(prefix+"tls", m["tls"], outer, server, &h)
}

// endpoint checks the URL and gives the name of the server in it, which is
// empty for a unix socket.
func (r reader) endpoint(key string, h *hostConfig) (server string, err error) {
	u, err := url.Parse(h.url)
	if err != nil {
		return "", r.errorf(key, "%q is not a URL: expected unix://PATH or tcp://HOST:PORT", h.url)
	}
	address := "127.0.0.1"
	switch u.Scheme {
	case "unix":
		if u.Host != "" || !filepath.IsAbs(u.Path) {
			return "", r.errorf(key, "%q must have an absolute path: unix:///var/run/docker.sock", h.url)
		}
	case "tcp":
		if server = u.Hostname(); server == "" || u.Port() == "" {
			return "", r.errorf(key, "%q must name host and port: tcp://10.77.0.11:2376", h.url)
		}
		address = server
		h.url = "tcp://" + net.JoinHostPort(server, u.Port())
	default:
		return "", r.errorf(key, "%q must start with unix:// or tcp://", h.url)
	}
	if h.address == "" {
		h.address = address
	}
	return server, nil
}

// allLabels reads labels, and the keys that are labels by other means. The map
// is not nil.
func (r reader) allLabels(prefix string, m map[string]any) (map[string]string, error) {
	labels, err := r.labels(prefix+"labels", m["labels"])
	if err != nil {
		return nil, err
	}
	for key, most := range map[string]float64{latitude: 90, longitude: 180} {
		at, v := prefix+key, m[key]
		if v == nil {
			at, v = prefix+"labels."+key, nil
			if text, ok := labels[key]; ok {
				v = text
			}
		}
		if v == nil {
			continue
		}
		text := fmt.Sprint(v)
		if degrees, err := strconv.ParseFloat(text, 64); err != nil || !(math.Abs(degrees) <= most) {
			return nil, r.errorf(at, "must be degrees from %v to %v, is %v", -most, most, v)
		}
		labels[key] = text
	}
	return labels, nil
}

func (r reader) labels(key string, v any) (map[string]string, error) {
	if v == nil {
		return map[string]string{}, nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, r.errorf(key, "must be a map of strings")
	}
	labels := make(map[string]string, len(m))
	for k, v := range m {
		switch v.(type) {
		case string, bool, int, int64, uint64, float64:
			labels[k] = fmt.Sprint(v)
		default:
			return nil, r.errorf(key+"."+k, "must be a string, is %v", v)
		}
	}
	return labels, nil
}

// secure loads the TLS files of a tcp host, its own or those for all.
func (r reader) secure(key string, own, outer any, server string, h *hostConfig) error {
	if own == nil {
		if own, key = outer, "tls"; server == "" {
			return nil // those for all do not concern a unix socket
		}
	}
	if own == nil {
		return nil
	}
	if server == "" {
		return r.errorf(key, "is for tcp:// hosts, this one is %s", h.url)
	}
	m, ok := own.(map[string]any)
	if !ok {
		return r.errorf(key, "must be a map of ca, cert and key")
	}
	if err := r.known(key+".", m, "ca", "cert", "key"); err != nil {
		return err
	}
	files := map[string]string{}
	for _, k := range []string{"ca", "cert", "key"} {
		v, err := r.text(key+".", k, m)
		if err != nil {
			return err
		}
		files[k] = v
	}
	config := &tls.Config{ServerName: server, MinVersion: tls.VersionTLS12}
	if files["ca"] != "" {
		pem, err := os.ReadFile(files["ca"])
		if err != nil {
			return r.errorf(key+".ca", "%v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return r.errorf(key+".ca", "%s has no PEM certificate", files["ca"])
		}
	}
	if (files["cert"] == "") != (files["key"] == "") {
		return r.errorf(key, "cert and key go together")
	}
	if files["cert"] != "" {
		pair, err := tls.LoadX509KeyPair(files["cert"], files["key"])
		if err != nil {
			return r.errorf(key+".cert", "%v", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	h.tls = config
	return nil
}
