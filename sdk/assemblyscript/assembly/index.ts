/**
 * Gowanus modules in AssemblyScript: types of entities, policies, placement
 * strategies and more that the engine runs as WebAssembly.
 *
 * A module decides and the engine acts. A handler is a pure function: it reads
 * the document of its call and gives an answer. Nothing may be kept in
 * variables between two calls, because the engine runs many instances of a
 * module and throws them away at will; what must last goes into the state of a
 * decision. The wire format is described in sdk/ABI.md.
 */
export { Bitmap, Hosts, NO_UINT32, Ranking, Strings } from "./columns";
export { changes, ConfigKey, Effector, Handler, Module, Parameter, related, Sensor, sensor, sensorFrom, Type } from "./describe";
export { Call, Decision, fail, Hook, Step } from "./documents";
export { host, HostAnswer, hostConfig, hostFile, hostSensor, Level, log } from "./host";
export { Kind, parse, quote, Read, Value } from "./json";
export { gw_abi, gw_alloc, gw_call, register } from "./module";
export { abort, seed, trace } from "./runtime";
