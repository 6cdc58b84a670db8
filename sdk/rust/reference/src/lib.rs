//! The module that the vectors in sdk/vectors talk to. It has one type of each
//! kind, and each is as small as it can be; their rules stand in
//! sdk/vectors/README.md.

use gowanus::*;
use serde::{Deserialize, Serialize};

pub fn module() -> Module {
    Module::new("reference", "1.0.0")
        .capability("step", "obtain-host", "places the greeter")
        .capability("step", "invoke-effector", "restarts what failed")
        .capability("step", "log", "tells what is done")
        .capability("step", "add-entity", "makes pairs")
        .capability("step", "add-policy", "watches pairs")
        .capability("step", "deploy-application", "reads blueprints")
        .capability("sensor", "load", "adds up the load of members")
        .with(greeter())
        .with(restarter())
        .with(Type::strategy("org.example.Emptiest").columns(&["containers", "up", "label:rack"]).on_rank(rank))
        .with(
            Type::entity("org.example.Pair")
                .config(ConfigKey::new("item", "string").required().describe("type of both children"))
                .on_init(pair),
        )
        .with(counter())
        .with(Type::step("org.example.Shout").config(ConfigKey::new("text", "string").required()).on_plan(shout))
        .with(Type::network("org.example.Wire").on_network(wire))
        .with(Type::location("org.example.Cloud").on_location(cloud))
        .with(Type::format("org.example.Lines").format_of("text/x-lines").format_of(".lines").on_parse(lines))
}

gowanus::export!(module());

fn greeter() -> Type {
    Type::entity("org.example.Greeter")
        .alias("greeter")
        .prefix("greet:")
        .describe("says hello")
        .config(ConfigKey::new("greeting.text", "string").flag("text").default_value("hello").describe("what to say"))
        .sensor(Sensor::new("greeting", "string"))
        .effector(Effector::new("start").returns("string").parameter(Parameter::new("loud", "boolean").default_value(false)))
        .on_effector(start)
        .on_continue(placed)
}

/// The state of the greeter, the restarter and the counter.
#[derive(Default, Serialize, Deserialize)]
struct Memory {
    #[serde(default)]
    n: i64,
}

/// The state with one more.
fn next(state: Result<Memory>) -> Result<Memory> {
    let memory = state.map_err(|_| Error::invalid("the state is not ours").at("state"))?;
    Ok(Memory { n: memory.n + 1 })
}

fn start(c: &EffectorCall) -> Result<Decision> {
    if c.effector != "start" {
        return Err(Error::not_found(format!("the greeter has no effector {:?}", c.effector)).at("effector"));
    }
    let mut text = format!("{} {}", c.entity.config.text("greeting.text"), c.entity.name);
    if c.args.bool("loud") {
        text = text.to_uppercase() + "!";
    }
    Ok(Decision::new()
        .publish("greeting", text)
        .step(Step::new("obtain-host").id("host").timeout("5m"))
        .resume("placed")
        .state(next(c.state())?))
}

fn placed(c: &EffectorCall) -> Result<Decision> {
    let host = c.output("host").and_then(|o| o["host"].as_str()).unwrap_or_default();
    Ok(Decision::new().state(next(c.state())?).result(format!("at {host}")))
}

fn restarter() -> Type {
    Type::policy("org.example.Restarter")
        .config(ConfigKey::new("also", "string").describe("a sensor that tells of failures as well"))
        .config(ConfigKey::new("window", "duration").describe("how long a failure is remembered"))
        .listens(EventSpec::sensor("service.isUp"))
        .listens(EventSpec::sensor_from("also"))
        .on_event(restart)
        .on_migrate(migrate)
}

fn restart(c: &PolicyCall) -> Result<Decision> {
    if c.timer {
        return Ok(Decision::new().state(Memory::default()));
    }
    if c.value() == &Value::Bool(true) {
        return Ok(Decision::new());
    }
    let source = c.event.as_ref().map_or("", |e| &e.source.id);
    Ok(Decision::new()
        .step(Step::new("invoke-effector").input("effector", "restart").input("entity", entity_value(source)))
        .state(next(c.state())?)
        .wake_after(c.config.text("window")))
}

/// Counts from the failures that version 0.x kept.
fn migrate(c: &MigrateCall) -> Result<Value> {
    if !c.from.starts_with("0.") {
        return Ok(c.state.clone());
    }
    match c.state.get("failures").and_then(Value::as_i64) {
        Some(n) => Ok(json!({ "n": n })),
        None => Err(Error::invalid(format!("the state is not one of version {}", c.from)).at("state")),
    }
}

fn rank(hosts: &Hosts, ranking: &mut Ranking) {
    let (containers, up, rack) = (hosts.floats("containers"), hosts.bitmap("up"), hosts.strings("label:rack"));
    let avoid = hosts.request.config.text("avoid");
    if avoid.contains(' ') {
        return ranking.fail(Error::invalid("avoid: a rack has no blank in its name").at("config.avoid"));
    }
    for i in 0..hosts.len() {
        if up.map_or(false, |up| !up.get(i)) {
            ranking.refuse(i, "is down");
        } else if !avoid.is_empty() && rack.map_or(false, |rack| rack.get(i) == avoid) {
            ranking.refuse(i, &format!("stands in rack {avoid}"));
        } else if let Some(containers) = containers {
            ranking.score(i, -containers[i]);
        }
    }
}

fn pair(c: &InitCall) -> Result<Init> {
    let (item, plan) = (c.entity.config.text("item"), &c.entity.plan_id);
    if item.is_empty() {
        return Err(Error::invalid("item is needed").at("config.item"));
    }
    Ok(Init::new()
        .sensor("pair.size", 2)
        .child(json!({ "type": item, "id": format!("{plan}-left") }))
        .child(json!({ "type": item, "id": format!("{plan}-right") }))
        .policy(json!({ "type": "org.example.Restarter", "brooklyn.config": { "window": "1m" } })))
}

fn counter() -> Type {
    Type::enricher("org.example.Counter")
        .listens(EventSpec::sensor("load").of("members"))
        .listens(EventSpec::changes("members"))
        .reads(RelatedSpec::of("members").sensor("load"))
        .on_event(count)
}

fn count(c: &PolicyCall) -> Result<Decision> {
    let total = c.related.iter().fold(0.0, |sum, member| sum + member.sensors.float("load"));
    Ok(Decision::new().publish("load.total", total).state(next(c.state())?))
}

fn shout(c: &EffectorCall) -> Result<Decision> {
    let text = c.args.text("text").to_uppercase();
    Ok(Decision::new().step(Step::new("log").input("message", &text)).result(text))
}

fn wire(c: &NetworkCall) -> Result<Decision> {
    let network = match &c.network {
        Some(network) if c.op == "create" => network,
        _ => return Ok(Decision::new()),
    };
    Ok(c.hosts.iter().fold(Decision::new(), |d, h| d.step(Step::new("log").input("message", format!("{} at {}", network.cidr, h.address)))))
}

fn cloud(c: &LocationCall) -> Result<Decision> {
    match c.op.as_str() {
        "obtain" => Ok(Decision::new().result(json!({ "id": format!("{}-1", c.name), "address": c.config.text("address") }))),
        "release" => Ok(Decision::new().step(Step::new("log").input("message", format!("gone: {}", c.machine.text("id"))))),
        op => Err(Error::not_found(format!("the cloud cannot {op}")).at("op")),
    }
}

fn lines(c: &ParseCall) -> Result<Parsed> {
    let mut services = Vec::new();
    for (i, line) in c.text.strip_suffix('\n').unwrap_or(&c.text).split('\n').enumerate() {
        match line.split_once(' ') {
            Some((name, kind)) => services.push(json!({ "name": name, "type": kind })),
            None => {
                let message = format!("expected a name and a type, got {line:?}");
                return Ok(Parsed::Errors(vec![TextError { line: i as u32 + 1, column: line.len() as u32 + 1, message }]));
            }
        }
    }
    Ok(Parsed::Blueprint(json!({ "services": services })))
}
