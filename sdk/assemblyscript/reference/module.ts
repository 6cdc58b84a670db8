// The module that the vectors in sdk/vectors talk to. It has one type of each
// kind, and each is as small as it can be; their rules stand in
// sdk/vectors/README.md.

import {
  Call, changes, ConfigKey, Decision, Effector, fail, Hosts, Kind, Module, Parameter, quote, Ranking, register, related, Sensor, sensor,
  sensorFrom, Step, Type, Value,
} from "../assembly";

export { gw_abi, gw_alloc, gw_call } from "../assembly";

register(
  new Module("reference", "1.0.0")
    .capability("step", "obtain-host", "places the greeter")
    .capability("step", "invoke-effector", "restarts what failed")
    .capability("step", "log", "tells what is done")
    .capability("step", "add-entity", "makes pairs")
    .capability("step", "add-policy", "watches pairs")
    .capability("step", "deploy-application", "reads blueprints")
    .capability("sensor", "load", "adds up the load of members")
    .with(
      new Type("org.example.Greeter", "entity").alias("greeter").prefix("greet:").describe("says hello")
        .config(new ConfigKey("greeting.text", "string").flag("text").fallback(Value.text("hello")).describe("what to say"))
        .sensor(new Sensor("greeting", "string"))
        .effector(new Effector("start").returns("string").parameter(new Parameter("loud", "boolean").fallback(Value.bool(false))))
        .onEffector(start).onContinue(placed))
    .with(
      new Type("org.example.Restarter", "policy")
        .config(new ConfigKey("also", "string").describe("a sensor that tells of failures as well"))
        .config(new ConfigKey("window", "duration").describe("how long a failure is remembered"))
        .listens(sensor("service.isUp")).listens(sensorFrom("also"))
        .onEvent(restart).onMigrate(migrate))
    .with(new Type("org.example.Emptiest", "strategy").columns(["containers", "up", "label:rack"]).onRank(rank))
    .with(
      new Type("org.example.Pair", "entity")
        .config(new ConfigKey("item", "string").required().describe("type of both children"))
        .onInit(pair))
    .with(
      new Type("org.example.Counter", "enricher")
        .listens(sensor("load", "members")).listens(changes("members"))
        .reads(related("members", ["load"]))
        .onEvent(count))
    .with(new Type("org.example.Shout", "step").config(new ConfigKey("text", "string").required()).onPlan(shout))
    .with(new Type("org.example.Wire", "network").onNetwork(wire))
    .with(new Type("org.example.Cloud", "location").onLocation(cloud))
    .with(new Type("org.example.Lines", "format").formats(["text/x-lines", ".lines"]).onParse(lines)),
);

function notOurs(): Value { return fail("invalid", "the state is not ours", "state"); }

/** The state with one more, or null when it is not ours. */
function next(state: Value): Value | null {
  const n = state.get("n");
  if (state.kind != Kind.Null && state.kind != Kind.Object) return null;
  if (n.kind != Kind.Null && n.kind != Kind.Number) return null;
  return Value.object().set("n", Value.number(n.asNumber + 1));
}

function start(c: Call): Value {
  if (c.effector != "start") return fail("not-found", "the greeter has no effector " + quote(c.effector), "effector");
  const state = next(c.state);
  if (state === null) return notOurs();
  let text = c.config.getText("greeting.text") + " " + c.entity.getText("name");
  if (c.args.getBool("loud")) text = text.toUpperCase() + "!";
  return new Decision().publish("greeting", Value.text(text))
    .step(new Step("obtain-host").id("host").timeout("5m"))
    .resume("placed")
    .state(state);
}

function placed(c: Call): Value {
  const state = next(c.state);
  if (state === null) return notOurs();
  return new Decision().state(state).result(Value.text("at " + c.output("host").getText("host")));
}

function restart(c: Call): Value {
  if (c.timer) return new Decision().state(Value.object().set("n", Value.number(0)));
  if (c.event.getBool("value")) return new Decision();
  const state = next(c.state);
  if (state === null) return notOurs();
  const source = c.event.get("source").getText("id");
  return new Decision()
    .step(new Step("invoke-effector").input("effector", Value.text("restart")).input("entity", Value.entity(source)))
    .state(state)
    .wakeAfter(c.config.getText("window"));
}

/** Counts from the failures that version 0.x kept. */
function migrate(c: Call): Value {
  const from = c.document.getText("from");
  if (!from.startsWith("0.")) return c.state;
  const failures = c.state.get("failures");
  if (failures.kind != Kind.Number) return fail("invalid", "the state is not one of version " + from, "state");
  return Value.object().set("n", failures);
}

function rank(hosts: Hosts, ranking: Ranking): void {
  const containers = hosts.floats("containers");
  const up = hosts.bitmap("up");
  const rack = hosts.strings("label:rack");
  const avoid = hosts.call.config.getText("avoid");
  if (avoid.includes(" ")) {
    ranking.fail(fail("invalid", "avoid: a rack has no blank in its name", "config.avoid"));
    return;
  }
  for (let i = 0; i < hosts.length; i++) {
    if (up !== null && !up.get(i)) ranking.refuse(i, "is down");
    else if (rack !== null && avoid.length > 0 && rack.get(i) == avoid) ranking.refuse(i, "stands in rack " + avoid);
    else if (containers !== null) ranking.score(i, -containers[i]);
  }
}

function pair(c: Call): Value {
  const item = c.config.get("item");
  const plan = c.entity.getText("planId");
  if (item.asText.length == 0) return fail("invalid", "item is needed", "config.item");
  const left = Value.object().set("type", item).set("id", Value.text(plan + "-left"));
  const right = Value.object().set("type", item).set("id", Value.text(plan + "-right"));
  const config = Value.object().set("window", Value.text("1m"));
  const policy = Value.object().set("type", Value.text("org.example.Restarter")).set("brooklyn.config", config);
  return Value.object().set("sensors", Value.object().set("pair.size", Value.number(2)))
    .set("children", Value.list().add(left).add(right))
    .set("policies", Value.list().add(policy));
}

function count(c: Call): Value {
  let total = 0.0;
  for (let i = 0; i < c.related.length; i++) total += c.related.at(i).get("sensors").getNumber("load");
  const state = next(c.state);
  if (state === null) return notOurs();
  return new Decision().publish("load.total", Value.number(total)).state(state);
}

function shout(c: Call): Value {
  const text = Value.text(c.args.getText("text").toUpperCase());
  return new Decision().step(new Step("log").input("message", text)).result(text);
}

function wire(c: Call): Value {
  const decision = new Decision();
  const cidr = c.document.get("network").getText("cidr");
  const hosts = c.document.get("hosts");
  for (let i = 0; c.op == "create" && i < hosts.length; i++) {
    decision.step(new Step("log").input("message", Value.text(cidr + " at " + hosts.at(i).getText("address"))));
  }
  return decision;
}

function cloud(c: Call): Value {
  if (c.op == "obtain") {
    const machine = Value.object().set("id", Value.text(c.document.getText("name") + "-1")).set("address", c.config.get("address"));
    return new Decision().result(machine);
  }
  if (c.op != "release") return fail("not-found", "the cloud cannot " + c.op, "op");
  return new Decision().step(new Step("log").input("message", Value.text("gone: " + c.document.get("machine").getText("id"))));
}

function lines(c: Call): Value {
  const services = Value.list();
  let text = c.document.getText("text");
  if (text.endsWith("\n")) text = text.substring(0, text.length - 1);
  const all = text.split("\n");
  for (let i = 0; i < all.length; i++) {
    const line = all[i];
    const space = line.indexOf(" ");
    if (space < 0) {
      const column = String.UTF8.byteLength(line) + 1;
      const error = Value.object().set("line", Value.number(i + 1)).set("column", Value.number(column))
        .set("message", Value.text("expected a name and a type, got " + quote(line)));
      return Value.object().set("errors", Value.list().add(error));
    }
    services.add(Value.object().set("name", Value.text(line.substring(0, space))).set("type", Value.text(line.substring(space + 1))));
  }
  return Value.object().set("blueprint", Value.object().set("services", services));
}
