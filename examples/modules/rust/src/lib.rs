//! The example module in Rust.

use gowanus::*;
use serde::{Deserialize, Serialize};

fn module() -> Module {
    Module::new("example", "1.0.0")
        .capability("step", "invoke-effector", "to restart what failed")
        .with(
            Type::policy("org.example.Cooldown")
                .describe("restarts a failed entity at most once per window")
                .config(ConfigKey::new("sensor", "string").default_value("ha.entityFailed").describe("tells of failures; cleared when the entity recovers"))
                .config(ConfigKey::new("window", "duration").default_value("5m").describe("how long no other restart follows"))
                .listens(EventSpec::sensor_from("sensor"))
                .on_event(cool),
        )
        .with(
            Type::strategy("org.example.Coolest")
                .describe("prefers the host that uses least of its processors")
                .config(ConfigKey::new("maxCpu", "double").default_value(0.8).describe("the share of its processors that a host may use"))
                .columns(&["up", "cpu.used", "containers"])
                .on_rank(rank),
        )
}

gowanus::export!(module());

/// What the policy remembers.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    cooling: bool,
    restarts: u64,
}

fn cool(c: &PolicyCall) -> Result<Decision> {
    if !c.state.is_null() && !c.state.is_object() {
        return Err(Error::invalid("the state is not ours").at("state"));
    }
    let memory: Memory = c.state()?;
    let failed = c.entity.sensors.has(c.config.text("sensor"));
    if c.timer && !failed {
        return Ok(Decision::new().state(Memory { cooling: false, ..memory }));
    }
    if !c.timer && (memory.cooling || c.value().is_null()) {
        return Ok(Decision::new());
    }
    Ok(Decision::new()
        .step(Step::new("invoke-effector").input("effector", "restart"))
        .state(Memory { cooling: true, restarts: memory.restarts + 1 })
        .wake_after(c.config.text("window")))
}

/// A share in whole percents.
fn percent(share: f64) -> f64 {
    (share * 100.0 + 0.5).floor()
}

/// A host's number, or another one when it has none.
fn or_else(column: Option<&[f64]>, i: usize, other: f64) -> f64 {
    column.map(|c| c[i]).filter(|v| !v.is_nan()).unwrap_or(other)
}

fn rank(hosts: &Hosts, ranking: &mut Ranking) {
    let limit = hosts.request.config.float("maxCpu");
    if !(0.0..=1.0).contains(&limit) {
        return ranking.fail(Error::invalid(format!("maxCpu: expected a share from 0 to 1, got {limit}")).at("config.maxCpu"));
    }
    let (up, used, containers) = (hosts.bitmap("up"), hosts.floats("cpu.used"), hosts.floats("containers"));
    for i in 0..hosts.len() {
        let share = or_else(used, i, limit);
        if up.map_or(false, |up| !up.get(i)) {
            ranking.refuse(i, "is down");
        } else if share > limit {
            ranking.refuse(i, &format!("uses {} % of its processors, at most {} % are allowed", percent(share), percent(limit)));
        } else {
            ranking.score(i, -(percent(share) * 1e6 + or_else(containers, i, 0.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_and_cools_down() {
        let document = br#"{"type": "org.example.Cooldown", "config": {"window": "2m"}, "event": {"sensor": "ha.entityFailed", "value": "down"}}"#;
        let answer: Value = serde_json::from_slice(&module().call(Hook::PolicyEvent as i32, document)).unwrap();
        assert_eq!(answer["state"], json!({ "cooling": true, "restarts": 1 }));
        assert_eq!(answer["wakeAfter"], "2m");
    }
}
