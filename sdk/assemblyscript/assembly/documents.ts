// What handlers are asked, and what they answer.

import { Kind, Value } from "./json";

/** What the engine may ask. The numbers are part of the contract. */
export enum Hook {
  Describe,
  EntityInit,
  EntityEffector,
  EntityContinue,
  PolicyEvent,
  EnricherEvent,
  PlacementRank,
  NetworkPlan,
  LocationPlan,
  StepPlan,
  BlueprintParse,
  Migrate,
}

/** What a handler is asked. Fields that the document does not have read as null, "" or false. */
export class Call {
  /** The whole document; the fields below are parts. */
  readonly document: Value;
  /** The type that is asked, as the document says it. */
  readonly type: string;
  /** Of the entity, policy, enricher, strategy, network or location. */
  readonly config: Value;
  /** Its id, name, planId, config, sensors. */
  readonly entity: Value;
  /** Or the step's type. */
  readonly effector: string;
  /** Of the effector or the step. */
  readonly args: Value;
  /** Of a network or location. */
  readonly op: string;
  /** Of a policy or enricher: its sensor, value, source, change. */
  readonly event: Value;
  /** It is the timer that the policy or enricher asked for. */
  readonly timer: bool;
  /** What the type reads of other entities: a list. */
  readonly related: Value;
  /** Of a call that goes on after steps. */
  readonly token: string;
  /** Of the steps so far: a list. */
  readonly outputs: Value;
  /** As the decision before handed it back. */
  readonly state: Value;
  /** RFC 3339, UTC. */
  readonly now: string;
  readonly seed: i64;

  constructor(d: Value) {
    this.document = d;
    this.type = d.getText("type");
    this.entity = d.get("entity");
    this.config = d.has("config") ? d.get("config") : d.get("entity").get("config");
    this.effector = d.getText("effector");
    this.args = d.get("args");
    this.op = d.getText("op");
    this.event = d.get("event");
    this.timer = d.getBool("timer");
    this.related = d.get("related");
    this.token = d.getText("token");
    this.outputs = d.get("outputs");
    this.state = d.get("state");
    this.now = d.getText("now");
    this.seed = d.getInt("seed");
  }

  /** The output of the step with that id. */
  output(id: string): Value {
    for (let i = 0; i < this.outputs.length; i++) {
      const o = this.outputs.at(i);
      if (o.getText("id") == id) return o.get("output");
    }
    return Value.null();
  }
}

/** One step of a workflow. */
export class Step extends Value {
  constructor(step: string) {
    super(Kind.Object);
    this.set("step", Value.text(step));
  }

  /** Names the step, so that its output can be found. */
  id(id: string): Step { this.set("id", Value.text(id)); return this; }

  /** How long it may take, a duration: "5m". */
  timeout(duration: string): Step { this.set("timeout", Value.text(duration)); return this; }

  /** Sets one of the step's own keys. */
  input(key: string, v: Value): Step {
    if (!this.has("input")) this.set("input", Value.object());
    this.get("input").set(key, v);
    return this;
  }
}

/** An answer: what to publish, what to do, what to remember. An empty one decides nothing. */
export class Decision extends Value {
  constructor() { super(Kind.Object); }

  /** Publishes a sensor before the steps run; null clears it. */
  publish(sensor: string, v: Value): Decision {
    if (!this.has("sensors")) this.set("sensors", Value.object());
    this.get("sensors").set(sensor, v);
    return this;
  }

  step(step: Step): Decision {
    if (!this.has("steps")) this.set("steps", Value.list());
    this.get("steps").add(step);
    return this;
  }

  /** Asks to be called again, with the outputs of the steps before. */
  resume(token: string): Decision {
    if (!this.has("steps")) this.set("steps", Value.list());
    this.get("steps").add(Value.object().set("continue", Value.text(token)));
    return this;
  }

  /** Is handed in at the next call. */
  state(v: Value): Decision { this.set("state", v); return this; }

  /** The effector's result, or the step's output. */
  result(v: Value): Decision { this.set("result", v); return this; }

  /** Asks for a call with `timer` after a duration: "30s". "" asks for none. */
  wakeAfter(duration: string): Decision {
    if (duration.length > 0) this.set("wakeAfter", Value.text(duration));
    return this;
  }
}

/**
 * An answer that refuses. The kinds are internal, invalid, not-found, conflict,
 * unauthorized, forbidden, timeout, cancelled, unavailable, limit, capacity,
 * on-fire, read-only and precondition; `at` says where in the document.
 */
export function fail(kind: string, message: string, at: string = ""): Value {
  const error = Value.object().set("kind", Value.text(kind)).set("message", Value.text(message));
  if (at.length > 0) error.set("at", Value.text(at));
  return Value.object().set("error", error);
}
