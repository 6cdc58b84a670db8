package step

import (
	"maps"
	"slices"
)

// Form tells how a step is run.
type Form uint8

const (
	Act       Form = iota // its inputs are computed, then an action of that name is run
	Let                   // sets a variable
	ClearVar              // takes a variable away
	Transform             // applies transforms to a value
	Load                  // reads a file of the bundle or an address into a variable
	Wait                  // waits for a value or for a task
	Return                // ends the workflow with a value
	Fail                  // ends the workflow with an error
	Goto                  // goes on elsewhere
	Label                 // does nothing
	If                    // runs its block when its target holds
	Switch                // runs the first case that holds
	Nested                // runs workflows with variables of their own: workflow, foreach, types of the catalog
	Sub                   // runs a block with the same variables
	Retry                 // goes back
	Sleep                 // lets time pass
	Update                // brings children in line with a list
)

// Key is a key of a step in its long form.
type Key struct {
	Name string
	Raw  bool // kept as written: a workflow, a blueprint, a predicate
	Doc  string
}

// Kind is a type of step that the language has.
type Kind struct {
	Name       string
	Aliases    []string
	Form       Form
	Shorthand  string // template of the one-line form, "" when there is none
	Keys       []Key
	Idempotent bool // running it again does no harm; Sub, If and the like are as their parts
	Pure       bool // it changes nothing but the workflow
	Instant    bool // it is done at once: it neither waits nor writes output
	Doc        string

	template *template
}

// Gives tells whether a step gives what its action gives even when that is
// null.
func (k *Kind) Gives() bool { return k.Name == "invoke-effector" }

// Key gives the declaration of a key, or nil.
func (k *Kind) Key(name string) *Key {
	for i := range k.Keys {
		if k.Keys[i].Name == name {
			return &k.Keys[i]
		}
	}
	return nil
}

func keys(names ...string) []Key {
	out := make([]Key, len(names))
	for i, name := range names {
		if name[0] == '!' {
			out[i] = Key{Name: name[1:], Raw: true}
			continue
		}
		out[i] = Key{Name: name}
	}
	return out
}

// assign is the shorthand of the steps that set a sensor or a config key.
const assign = `[ ${type} ] ${name} [ "on" ${entity} ] [ "=" ${value...} ]`

// kinds are all steps; keys with ! are kept as written.
var kinds = []*Kind{
	{Name: "let", Aliases: []string{"set-workflow-variable"}, Form: Let, Shorthand: `[ ${type} ] ${variable} [ "=" ${value...} ]`,
		Keys: keys("type", "variable", "!value", "!interpolation_mode", "!interpolation_errors"), Idempotent: true, Pure: true, Instant: true, Doc: "set a variable of the workflow"},
	{Name: "clear-workflow-variable", Form: ClearVar, Shorthand: `[ ${type} ] ${variable}`, Keys: keys("type", "variable"),
		Idempotent: true, Pure: true, Instant: true, Doc: "take a variable away"},
	{Name: "transform", Form: Transform, Keys: keys("type", "variable", "value", "!transform"), Idempotent: true, Pure: true, Doc: "apply transforms to a value"},
	{Name: "load", Form: Load, Shorthand: `[ "charset" ${charset} ] [ ${type} ] ${variable} [ "=" ${url...} ]`,
		Keys: keys("charset", "type", "variable", "url"), Idempotent: true, Doc: "read a file of the bundle, or an address, into a variable"},
	{Name: "wait", Form: Wait, Shorthand: `[ [ ${type} ] ${variable} "=" ] [ ?${task} "task" ] ${value...}`,
		Keys: keys("type", "variable", "task", "value"), Idempotent: true, Doc: "wait until a value is there, or a task has ended"},
	{Name: "return", Form: Return, Shorthand: `[ ${value...} ]`, Keys: keys("value"), Idempotent: true, Pure: true, Instant: true, Doc: "end the workflow with a value"},
	{Name: "fail", Form: Fail, Shorthand: `[ ?${rethrow} "rethrow" ] [ "message" ${message...} ]`, Keys: keys("rethrow", "message", "value"), Pure: true, Instant: true,
		Doc: "end the workflow with an error"},
	{Name: "goto", Form: Goto, Shorthand: `${next}`, Idempotent: true, Pure: true, Instant: true, Doc: "go on at another step"},
	{Name: "label", Form: Label, Shorthand: `${id}`, Idempotent: true, Pure: true, Instant: true, Doc: "do nothing, as a place to go to"},
	{Name: "if", Form: If, Shorthand: `${target...} [ "==" ${equals...} ] [ "then" ${step...} ]`, Keys: keys("target", "equals", "!steps"),
		Idempotent: true, Pure: true, Doc: "run steps when something holds"},
	{Name: "switch", Form: Switch, Shorthand: `[ ${value...} ]`, Keys: keys("value", "!cases"), Idempotent: true, Pure: true, Doc: "run the first case whose condition holds"},
	{Name: "foreach", Form: Nested, Shorthand: `${target_var_name} [ "in" ${target...} [ "do" ${step...} ] ]`, Keys: nestedKeys,
		Idempotent: true, Pure: true, Doc: "run steps for each item of a list"},
	{Name: "workflow", Form: Nested, Shorthand: `[ "replayable" ${replayable...} ] [ "retention" ${retention...} ]`, Keys: nestedKeys,
		Idempotent: true, Pure: true, Doc: "run steps with variables of their own, for one target or many"},
	{Name: "subworkflow", Form: Sub, Keys: keys("!steps"), Idempotent: true, Pure: true, Doc: "run steps with the same variables"},
	{Name: "retry", Form: Retry, Shorthand: `[ ?${replay} "replay" ] [ "from" ${next} ] [ "limit" ${limit...} ] [ "backoff" ${backoff...} ] [ "timeout" ${timeout...} ]`,
		Keys: keys("!replay", "!limit", "!backoff", "!hash"), Idempotent: true, Pure: true, Doc: "go back to a step"},
	{Name: "sleep", Form: Sleep, Shorthand: `${duration...}`, Keys: keys("duration"), Idempotent: true, Doc: "let time pass"},
	{Name: "log", Shorthand: `${message...}`, Keys: keys("message", "level", "category"), Idempotent: true, Pure: true, Doc: "write a line to the log"},
	{Name: "no-op", Form: Label, Idempotent: true, Pure: true, Instant: true, Doc: "do nothing"},
	{Name: "set-sensor", Shorthand: assign, Keys: keys("type", "name", "entity", "sensor", "value", "require"), Idempotent: true, Instant: true, Doc: "publish a sensor value"},
	{Name: "clear-sensor", Shorthand: `[ ${type} ] ${name} [ "on" ${entity} ]`, Keys: keys("type", "name", "entity", "sensor"), Idempotent: true, Instant: true, Doc: "take a sensor value away"},
	{Name: "set-config", Shorthand: assign, Keys: keys("type", "name", "entity", "config", "value"), Idempotent: true, Doc: "set a config key"},
	{Name: "clear-config", Shorthand: `[ ${type} ] ${name} [ "on" ${entity} ]`, Keys: keys("type", "name", "entity", "config"), Idempotent: true, Doc: "take a config value away"},
	{Name: "set-entity-name", Shorthand: `${value...}`, Keys: keys("value", "entity"), Idempotent: true, Doc: "give an entity another name"},
	{Name: "invoke-effector", Shorthand: `${effector} [ "on" ${entity} ] [ "with" ${args...} ]`, Keys: keys("effector", "entity", "args"), Idempotent: true,
		Doc: "call an effector and wait for its result"},
	{Name: "add-entity", Shorthand: `[ ${type} ]`, Keys: keys("type", "!blueprint", "!interpolation_mode", "!format", "entity", "start"), Idempotent: true, Doc: "add entities below this one"},
	{Name: "delete-entity", Shorthand: `[ ${entity} ]`, Keys: keys("entity"), Idempotent: true, Doc: "stop and remove an entity"},
	{Name: "reparent-entity", Shorthand: `[ "child" ${child} ] [ "under" ${parent} ]`, Keys: keys("child", "parent"), Idempotent: true, Doc: "put an entity below another one"},
	{Name: "deploy-application", Shorthand: `[ ${type} ]`, Keys: keys("type", "!blueprint", "!interpolation_mode", "!format", "start"), Idempotent: true, Doc: "deploy another application"},
	{Name: "add-policy", Shorthand: `[ ${type} ] [ "at" ${entity} ] [ "unique-tag" ${unique_tag} ]`, Keys: keys("type", "!blueprint", "!interpolation_mode", "!format", "entity", "unique_tag"),
		Idempotent: true, Doc: "add a policy or enricher"},
	{Name: "delete-policy", Shorthand: `[ ${policy} [ "at" ${entity} ] ]`, Keys: keys("policy", "entity"), Idempotent: true, Doc: "take a policy or enricher away"},
	{Name: "apply-initializer", Shorthand: `[ ${type} [ "at" ${entity} ] ]`, Keys: keys("type", "!blueprint", "!interpolation_mode", "!format", "entity"), Idempotent: true, Doc: "apply an initializer"},
	{Name: "update-children", Form: Update, Shorthand: `[ "of" ${parent} ] [ "type" ${type} ] [ "id" ${identifier_expression} ] [ "from" ${items} ]`,
		Keys:       keys("parent", "type", "!blueprint", "!identifier_expression", "items", "!on_create", "!on_update", "!on_update_child", "!on_delete", "!creation_check", "!deletion_check", "!match_check"),
		Idempotent: true, Doc: "bring children in line with a list"},
	{Name: "http", Shorthand: `${endpoint...}`, Keys: keys("endpoint", "query", "body", "charset", "status_code", "headers", "method", "username", "password", "config"),
		Doc: "send an HTTP request"},
	{Name: "ssh", Shorthand: `[ "to" ${endpoint} ] ${command...}`, Keys: keys("endpoint", "command", "env", "exit_code", "output_max_size", "address", "user", "password", "port", "privateKeyFile", "privateKeyData", "privateKeyPassphrase", "knownHostsFile"),
		Doc: "run a command on the entity's machine"},
	{Name: "shell", Shorthand: `${command...}`, Keys: keys("command", "env", "exit_code", "output_max_size"), Doc: "run a command on the server's machine, if the operator allows it"},
	{Name: "container", Shorthand: `${image} [ ${command...} ]`, Keys: keys("image", "command", "args", "env", "exit_code", "output_max_size", "pull_image", "location"),
		Doc: "run a container to its end"},
}

// nestedKeys are those of workflow and foreach.
var nestedKeys = keys("!steps", "!target", "!target_var_name", "!target_index_var_name", "!concurrency", "!reducing", "!lock", "!workflow")

// index finds kinds by name and alias; it is made once and never changed.
var index = func() map[string]*Kind {
	out := map[string]*Kind{}
	for _, k := range kinds {
		k.template = mustTemplate(k.Shorthand)
		for _, name := range append([]string{k.Name}, k.Aliases...) {
			out[name] = k
		}
	}
	return out
}()

// Kinds gives the steps of the language, in the order of the guide.
func Kinds() []*Kind { return slices.Clone(kinds) }

// names gives all words that a step may begin with.
func names() []string { return slices.Sorted(maps.Keys(index)) }
