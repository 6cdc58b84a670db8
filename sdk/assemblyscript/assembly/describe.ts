// How a module declares itself.

import { Hosts, Ranking } from "./columns";
import { Call } from "./documents";
import { Kind, Value } from "./json";

function named(v: Value, name: string, type: string): void {
  v.set("name", Value.text(name));
  if (type.length > 0) v.set("type", Value.text(type));
}

function append(object: Value, key: string, v: Value): void {
  if (!object.has(key)) object.set(key, Value.list());
  object.get(key).add(v);
}

/** Declares one config key of a type. */
export class ConfigKey extends Value {
  constructor(name: string, type: string) {
    super(Kind.Object);
    named(this, name, type);
  }

  /** In words for users. */
  describe(text: string): ConfigKey { this.set("description", Value.text(text)); return this; }
  /** A short name. */
  flag(name: string): ConfigKey { append(this, "flags", Value.text(name)); return this; }
  fallback(v: Value): ConfigKey { this.set("default", v); return this; }
  required(): ConfigKey { this.set("required", Value.bool(true)); return this; }
  /** "never" for a key that children do not see. */
  inherit(how: string): ConfigKey { this.set("inherit", Value.text(how)); return this; }
}

/** Declares one sensor of a type. */
export class Sensor extends Value {
  constructor(name: string, type: string) {
    super(Kind.Object);
    named(this, name, type);
  }

  /** In words for users. */
  describe(text: string): Sensor { this.set("description", Value.text(text)); return this; }
}

/** Declares one argument of an effector. */
export class Parameter extends Value {
  constructor(name: string, type: string) {
    super(Kind.Object);
    named(this, name, type);
  }

  /** In words for users. */
  describe(text: string): Parameter { this.set("description", Value.text(text)); return this; }
  fallback(v: Value): Parameter { this.set("default", v); return this; }
}

/** Declares one effector of a type. */
export class Effector extends Value {
  constructor(name: string) {
    super(Kind.Object);
    named(this, name, "");
  }

  /** In words for users. */
  describe(text: string): Effector { this.set("description", Value.text(text)); return this; }
  returns(type: string): Effector { this.set("returnType", Value.text(type)); return this; }
  parameter(p: Parameter): Effector { append(this, "parameters", p); return this; }
}

/** Names a sensor that a policy or enricher listens to; of "members", "children" or "config:KEY" instead of its own entity. */
export function sensor(name: string, whose: string = ""): Value {
  const v = Value.object().set("sensor", Value.text(name));
  return whose.length > 0 ? v.set("of", Value.text(whose)) : v;
}

/** The sensor that a config key names. */
export function sensorFrom(key: string): Value { return Value.object().set("sensorFrom", Value.text(key)); }

/** Who joins and who leaves: of "members" or "children". */
export function changes(whose: string): Value { return Value.object().set("of", Value.text(whose)); }

/** Names what a policy or enricher reads of other entities. */
export function related(whose: string, sensors: string[] = [], config: string[] = []): Value {
  const v = Value.object().set("of", Value.text(whose));
  if (sensors.length > 0) v.set("sensors", texts(sensors));
  if (config.length > 0) v.set("config", texts(config));
  return v;
}

function texts(list: string[]): Value {
  const v = Value.list();
  for (let i = 0; i < list.length; i++) v.add(Value.text(list[i]));
  return v;
}

/** Answers a hook. Functions of a file can be handlers; closures do not exist in AssemblyScript. */
export type Handler = (c: Call) => Value;

/** Declares one type and has its handlers. A hook without a handler is answered with an error. */
export class Type extends Value {
  /** `kind` is entity, policy, enricher, strategy, step, network, location or format. */
  constructor(readonly name: string, kind: string) {
    super(Kind.Object);
    named(this, name, "");
    this.set("kind", Value.text(kind));
  }

  /** In words for users. */
  describe(text: string): Type { this.set("description", Value.text(text)); return this; }
  /** Another name. */
  alias(name: string): Type { append(this, "aliases", Value.text(name)); return this; }
  /** Answers to every type name that starts so: "docker:". */
  prefix(prefix: string): Type { this.set("prefix", Value.text(prefix)); return this; }
  /** An address or a data: URL. */
  icon(icon: string): Type { this.set("icon", Value.text(icon)); return this; }
  config(key: ConfigKey): Type { append(this, "config", key); return this; }
  sensor(s: Sensor): Type { append(this, "sensors", s); return this; }
  effector(e: Effector): Type { append(this, "effectors", e); return this; }
  /** Of a strategy: the columns that it reads. */
  columns(names: string[]): Type { this.set("columns", texts(names)); return this; }
  /** Of a policy or enricher: what it listens to; see sensor, sensorFrom and changes. */
  listens(event: Value): Type { append(this, "events", event); return this; }
  /** Of a policy, enricher or step: what it reads of other entities; see related. */
  reads(r: Value): Type { append(this, "related", r); return this; }
  /** Of a format: media types and file extensions that it reads. */
  formats(names: string[]): Type { this.set("formats", texts(names)); return this; }

  init: Handler | null = null;
  effectorCall: Handler | null = null;
  resume: Handler | null = null;
  policyEvent: Handler | null = null;
  enricherEvent: Handler | null = null;
  plan: Handler | null = null;
  network: Handler | null = null;
  location: Handler | null = null;
  parse: Handler | null = null;
  migrate: Handler | null = null;
  rank: ((hosts: Hosts, ranking: Ranking) => void) | null = null;

  /** Says what an entity of the type starts from. */
  onInit(f: Handler): Type { this.init = f; this.set("init", Value.bool(true)); return this; }
  /** Decides what an effector does. */
  onEffector(f: Handler): Type { this.effectorCall = f; return this; }
  /** Goes on after steps; without it the handler of effectors is asked. */
  onContinue(f: Handler): Type { this.resume = f; return this; }
  /** Reacts to an event or a timer. */
  onEvent(f: Handler): Type {
    if (this.getText("kind") == "enricher") this.enricherEvent = f;
    else this.policyEvent = f;
    return this;
  }
  /** Decides what a step does: `args` is its input. */
  onPlan(f: Handler): Type { this.plan = f; return this; }
  onNetwork(f: Handler): Type { this.network = f; return this; }
  onLocation(f: Handler): Type { this.location = f; return this; }
  onParse(f: Handler): Type { this.parse = f; return this; }
  /** Brings a state of another version to this one, which it gives. */
  onMigrate(f: Handler): Type { this.migrate = f; return this; }
  /** Scores or refuses hosts. */
  onRank(f: (hosts: Hosts, ranking: Ranking) => void): Type { this.rank = f; return this; }
}

/** Everything that a program offers. */
export class Module {
  types: Type[] = [];
  private capabilities: Value = Value.list();

  constructor(readonly name: string, readonly version: string) {}

  with(type: Type): Module {
    this.types.push(type);
    return this;
  }

  /** Asks for a right, with a reason for the operator who grants it. Kinds are step, http, image, config, sensor and secret. */
  capability(kind: string, value: string, reason: string): Module {
    this.capabilities.add(Value.object().set("kind", Value.text(kind)).set("value", Value.text(value)).set("reason", Value.text(reason)));
    return this;
  }

  describe(abi: i32): Value {
    const types = Value.list();
    for (let i = 0; i < this.types.length; i++) types.add(this.types[i]);
    return Value.object().set("name", Value.text(this.name)).set("version", Value.text(this.version))
      .set("abi", Value.list().add(Value.number(abi)).add(Value.number(abi)))
      .set("types", types).set("capabilities", this.capabilities);
  }

  /** Finds a type by name, alias, or the longest prefix that fits. */
  find(name: string): Type | null {
    let best: Type | null = null;
    let longest = 0;
    for (let i = 0; i < this.types.length; i++) {
      const t = this.types[i];
      if (t.name == name) return t;
      const aliases = t.get("aliases");
      for (let k = 0; k < aliases.length; k++) {
        if (aliases.at(k).asText == name) return t;
      }
      const prefix = t.getText("prefix");
      if (prefix.length > longest && name.startsWith(prefix)) {
        best = t;
        longest = prefix.length;
      }
    }
    return best;
  }
}
