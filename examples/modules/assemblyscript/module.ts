// The example module in AssemblyScript.

import { Call, ConfigKey, Decision, fail, Hosts, Kind, Module, Ranking, register, sensorFrom, Step, Type, Value } from "gowanus";

export { gw_abi, gw_alloc, gw_call } from "gowanus";

register(
  new Module("example", "1.0.0")
    .capability("step", "invoke-effector", "to restart what failed")
    .with(
      new Type("org.example.Cooldown", "policy").describe("restarts a failed entity at most once per window")
        .config(new ConfigKey("sensor", "string").fallback(Value.text("ha.entityFailed")).describe("tells of failures; cleared when the entity recovers"))
        .config(new ConfigKey("window", "duration").fallback(Value.text("5m")).describe("how long no other restart follows"))
        .listens(sensorFrom("sensor"))
        .onEvent(cool))
    .with(
      new Type("org.example.Coolest", "strategy").describe("prefers the host that uses least of its processors")
        .config(new ConfigKey("maxCpu", "double").fallback(Value.number(0.8)).describe("the share of its processors that a host may use"))
        .columns(["up", "cpu.used", "containers"])
        .onRank(rank)),
);

/** What the policy remembers. */
function memory(cooling: bool, restarts: i64): Value {
  return Value.object().set("cooling", Value.bool(cooling)).set("restarts", Value.number(<f64>restarts));
}

function cool(c: Call): Value {
  if (c.state.kind != Kind.Null && c.state.kind != Kind.Object) return fail("invalid", "the state is not ours", "state");
  const restarts = c.state.getInt("restarts");
  const failed = c.entity.get("sensors").has(c.config.getText("sensor"));
  if (c.timer && !failed) return new Decision().state(memory(false, restarts));
  if (!c.timer && (c.state.getBool("cooling") || !c.event.has("value"))) return new Decision();
  return new Decision()
    .step(new Step("invoke-effector").input("effector", Value.text("restart")))
    .state(memory(true, restarts + 1))
    .wakeAfter(c.config.getText("window"));
}

/** A share in whole percents. */
function percent(share: f64): i32 { return <i32>Math.floor(share * 100 + 0.5); }

/** A host's number, or another one when it has none. */
function orElse(column: Float64Array | null, i: i32, other: f64): f64 {
  return column === null || isNaN(column[i]) ? other : column[i];
}

function rank(hosts: Hosts, ranking: Ranking): void {
  const limit = hosts.call.config.getNumber("maxCpu");
  if (limit < 0 || limit > 1) {
    ranking.fail(fail("invalid", `maxCpu: expected a share from 0 to 1, got ${Value.number(limit)}`, "config.maxCpu"));
    return;
  }
  const up = hosts.bitmap("up");
  const used = hosts.floats("cpu.used");
  const containers = hosts.floats("containers");
  for (let i = 0; i < hosts.length; i++) {
    const share = orElse(used, i, limit);
    if (up !== null && !up.get(i)) ranking.refuse(i, "is down");
    else if (share > limit) ranking.refuse(i, `uses ${percent(share)} % of its processors, at most ${percent(limit)} % are allowed`);
    else ranking.score(i, -(<f64>percent(share) * 1e6 + orElse(containers, i, 0)));
  }
}
