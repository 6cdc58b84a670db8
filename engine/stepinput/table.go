package stepinput

import "slices"

func key(name string, t Type) Key { return Key{Name: name, Type: t} }

func must(name string, t Type) Key { return Key{Name: name, Type: t, Required: true} }

// carry is a key that takes secrets.
func carry(name string, t Type) Key { return Key{Name: name, Type: t, Secrets: Carried} }

// hand is a key that takes secrets where its names tell of them.
func hand(name string, t Type) Key { return Key{Name: name, Type: t, Secrets: CarriedNamed} }

// either is two keys of which one must be there.
func either(a string, t Type, b string, u Type) []Key {
	return []Key{{Name: a, Type: t, Required: true, Or: b}, key(b, u)}
}

func with(keys []Key, more ...Key) []Key { return slices.Concat(keys, more) }

// What several steps take.
var (
	entity    = key("entity", Entity)
	parallel  = key("parallel", Integer)
	collect   = key("collect", Boolean)
	blueprint = with([]Key{{Name: "blueprint", Required: true, Or: "type", Secrets: Carried}, key("type", Plain)}, key("interpolation_mode", Any), key("format", Any))
	child     = Key{Name: "blueprint", Required: true, Secrets: Carried}
	ofSensor  = with(either("sensor", Any, "name", Text), key("type", Plain), entity)
	ofConfig  = with(either("config", Any, "name", Text), key("type", Plain), entity)
	inner     = []Key{must("step", Text), carry("input", Map)}
	command   = []Key{must("command", Any), carry("env", Map), key("exit_code", Any), key("output_max_size", Any)}
	trial     = []Key{
		key("target", Any), key("targetId", Any), key("targetResolutionTimeout", Any), key("assert", Any),
		key("timeout", Any), key("maxAttempts", Any), key("backoffToPeriod", Any),
	}
	process = []Key{key("command", Text), carry("env", Map), key("timeout", Duration)}
)

// table has what each step of the engine and of builtin takes: what it reads,
// and what it cannot do without. A step that is missing here may have any
// input; tests of these packages find it.
var table = map[string][]Key{
	"wait":            {must("sensor", Text), entity, key("timeout", Duration), key("read", List)},
	"set-sensor":      with(ofSensor, key("value", Any), key("require", Any)),
	"clear-sensor":    ofSensor,
	"set-config":      with(ofConfig, hand("value", Any), key("unlessSet", Boolean)),
	"clear-config":    ofConfig,
	"set-entity-name": {must("value", Plain), entity},

	"workflow":           {{Name: "definition", Required: true, Secrets: Carried}, key("name", Text), carry("args", Map), entity},
	"load":               {must("url", Text)},
	"add-entity":         with(blueprint, key("start", Plain), entity),
	"deploy-application": with(blueprint, key("start", Plain)),
	"create-child":       {child, carry("config", Map), key("index", Integer), entity},
	"add-children":       {child, carry("config", Map), key("start", Plain), entity},
	"delete-entity":      {entity},
	"reparent-entity":    {key("child", Entity), key("parent", Entity)},
	"set-locations":      {key("locations", List), entity},
	"unmanage":           {},
	"clean-locations":    {key("lenient", Boolean)},

	"add-policy":        with(blueprint, key("unique_tag", Plain), entity),
	"apply-initializer": with(blueprint, entity),
	"delete-policy":     {must("policy", Any), entity},
	"suspend-policy":    {must("policy", Text), key("reason", Plain), entity},
	"resume-policy":     {must("policy", Text), entity},

	"invoke-effector": {
		must("effector", Text), hand("args", Map), entity, key("lenient", Boolean), key("firstOf", List), key("optional", Boolean), key("overridden", Boolean),
	},
	"invoke-children": {
		must("effector", Text), hand("args", Map), parallel, collect, key("inOrder", Boolean), key("goOn", Boolean), key("unlessUp", Boolean),
	},
	"add-from-spec":    {must("spec", Text), key("each", List), key("replace", Boolean), key("start", Boolean), parallel, collect},
	"add-per-location": {must("spec", Text), key("initial", Boolean), key("prefix", Text), key("suffix", Text), parallel, collect},
	"add-members":      {key("count", Integer), key("first", Boolean), key("discard", Boolean), parallel},
	"choose-members":   {key("count", Integer)},
	"remove-members":   {key("members", List), key("stop", Boolean), parallel},
	"change-members":   {key("join", List), key("leave", List)},
	"rescan-entities":  {},

	"obtain-host":  {key("location", Text), key("strategies", Any), key("demand", Map)},
	"release-host": {},
	"set-on-fire":  {key("reason", Text), entity},

	"repeat":         inner,
	"if-placed":      inner,
	"publish-output": with(inner, must("sensor", Text), key("lenient", Boolean)),

	"evaluate": {key("value", Any)},
	"sleep":    {must("duration", Duration)},
	"log":      {key("message", Any), key("level", Text), key("category", Plain)},
	"fail":     {key("message", Any), key("kind", Text)},
	"no-op":    {},

	"pull-image": {must("image", Text)},
	"create-container": {
		must("image", Text), must("name", Text), carry("env", Map), carry("command", List), carry("entrypoint", List), key("hostname", Text), key("user", Text),
		key("openPorts", Any), key("portBindings", Any), key("volumes", Any), key("privileged", Boolean), key("memory", Integer), key("cpuShares", Integer),
		key("restart", Text), key("links", Any),
	},
	"start-container":  {},
	"stop-container":   {key("timeout", Duration)},
	"remove-container": {},
	"container":        with([]Key{must("image", Text), key("args", Any), key("pull_image", Text), key("location", Text), key("command", Any)}, command[1:]...),

	"run-command":   with([]Key{must("command", Text), key("name", Text), key("dir", Text)}, process[1:]...),
	"start-process": {must("command", Text), carry("env", Map)},
	"check-process": process,
	"stop-process":  process,
	"shell":         command,
	"ssh": with(command, key("endpoint", Plain), key("address", Plain), key("user", Plain), key("port", Plain), carry("password", Plain),
		carry("privateKeyData", Plain), key("privateKeyFile", Plain), carry("privateKeyPassphrase", Plain), key("knownHostsFile", Plain)),

	"http": with(either("endpoint", Plain, "url", Plain), key("method", Plain), carry("query", Map), carry("headers", Map), carry("body", Any),
		carry("username", Plain), carry("password", Plain), key("status_code", Any), key("charset", Any), key("config", Any)),
	"check-endpoint": {must("endpoint", Plain), key("timeout", Duration), key("period", Duration), key("for", Duration), key("while", Boolean)},

	"test-sensor":   with(trial, key("sensor", Any), key("abortConditions", Any)),
	"test-effector": with(trial, key("effector", Any), hand("params", Any)),
	"test-http":     with(trial, key("url", Any), key("method", Any), carry("headers", Any), carry("body", Any), key("applyAssertionTo", Any)),
	"test-endpoint": with(trial, key("endpoint", Any), key("endpointSensor", Any)),
	"test-members":  trial,
}
