//! Asks the engine for what was not sent.

use gowanus::*;

gowanus::export!(Module::new("probe", "1.0.0").with(Type::step("probe").on_plan(probe)));

fn probe(c: &EffectorCall) -> Result<Decision> {
    let sensor = host_sensor("x2", c.args.text("sensor"))?;
    let file = host_file("big.txt")?;
    let fault = host_config("x2", "k").err().map(|e| e.kind as i32);
    warn("asked 3 times, 0.5");
    Ok(Decision::new().result(json!({ "sensor": sensor, "file": file, "fault": fault })))
}
