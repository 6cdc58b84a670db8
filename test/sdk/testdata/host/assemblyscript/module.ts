// Asks the engine for what was not sent.

import { Call, Decision, hostConfig, hostFile, hostSensor, Level, log, Module, register, Type, Value } from "gowanus";

export { gw_abi, gw_alloc, gw_call } from "gowanus";

register(new Module("probe", "1.0.0").with(new Type("probe", "step").onPlan(probe)));

function probe(c: Call): Value {
  const sensor = hostSensor("x2", c.args.getText("sensor"));
  const file = hostFile("big.txt");
  const fault = hostConfig("x2", "k").fault;
  log(Level.Warn, "asked 3 times, 0.5");
  const result = Value.object().set("sensor", sensor.value).set("file", file.value.get("text"));
  return new Decision().result(fault == "forbidden" ? result.set("fault", Value.number(5)) : result);
}
