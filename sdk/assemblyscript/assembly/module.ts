// The exports of a module: finding the handler, asking it, answering.

import { Hosts, Ranking } from "./columns";
import { Handler, Module, Type } from "./describe";
import { Call, fail, Hook } from "./documents";
import { parse, quote, Value } from "./json";

const ABI_VERSION = 1;

const hooks: string[] = [
  "describe", "entity.init", "entity.effector", "entity.continue", "policy.event", "enricher.event",
  "placement.rank", "network.plan", "location.plan", "step.plan", "blueprint.parse", "migrate",
];

let module: Module = new Module("", "");
let input: ArrayBuffer = new ArrayBuffer(1024);
let output: ArrayBuffer = new ArrayBuffer(0);

/** Makes m the module that the program answers for. */
export function register(m: Module): void { module = m; }

export function gw_abi(): i32 { return ABI_VERSION; }

export function gw_alloc(size: i32): usize {
  if (size < 0) return 0;
  if (size > input.byteLength) input = new ArrayBuffer(size);
  return changetype<usize>(input);
}

export function gw_call(hook: i32, at: usize, length: u32): u64 {
  __collect(); // nothing is in use between two calls but what stands in globals
  if (length > 0 && (at != changetype<usize>(input) || length > <u32>input.byteLength)) {
    output = encode(fail("invalid", "the document is not where gw_alloc put it"));
  } else {
    output = hook == Hook.PlacementRank ? rank(length) : encode(dispatch(hook, length));
  }
  return (<u64>changetype<usize>(output) << 32) | <u64>output.byteLength;
}

function encode(v: Value): ArrayBuffer { return String.UTF8.encode(v.toString()); }

function noType(name: string): Value { return fail("not-found", "module " + module.name + " has no type " + quote(name)); }

function rank(length: u32): ArrayBuffer {
  const hosts = new Hosts(input, length);
  const problem = hosts.problem;
  if (problem !== null) return encode(problem);
  Math.seedRandom(hosts.call.seed);
  const type = module.find(hosts.call.type);
  if (type === null) return encode(noType(hosts.call.type));
  const f = type.rank;
  if (f === null) return encode(fail("invalid", "type " + type.name + " does not rank hosts"));
  const ranking = new Ranking(hosts.length);
  f(hosts, ranking);
  const failure = ranking.failure;
  return failure === null ? ranking.encode() : encode(failure);
}

function dispatch(hook: i32, length: u32): Value {
  if (hook < 0 || hook > Hook.Migrate) return fail("not-found", "module " + module.name + " does not know hook " + hook.toString());
  if (hook == Hook.Describe) return module.describe(ABI_VERSION);
  const read = parse(String.UTF8.decodeUnsafe(changetype<usize>(input), length));
  if (read.problem.length > 0) return fail("invalid", "decode " + hooks[hook] + ": " + read.problem);
  const call = new Call(read.value);
  Math.seedRandom(call.seed);
  const type = module.find(call.type);
  if (type === null) return noType(call.type);
  const handle = handler(type, hook);
  if (handle === null) return fail("not-found", "type " + type.name + " does not answer " + hooks[hook]);
  const answer = handle(call);
  return hook != Hook.Migrate || answer.has("error") ? answer : Value.object().set("state", answer);
}

function handler(t: Type, hook: i32): Handler | null {
  switch (hook) {
    case Hook.EntityInit: return t.init;
    case Hook.EntityEffector: return t.effectorCall;
    case Hook.EntityContinue: return t.resume !== null ? t.resume : t.effectorCall;
    case Hook.PolicyEvent: return t.policyEvent;
    case Hook.EnricherEvent: return t.enricherEvent;
    case Hook.NetworkPlan: return t.network;
    case Hook.LocationPlan: return t.location;
    case Hook.StepPlan: return t.plan;
    case Hook.BlueprintParse: return t.parse;
    default: return t.migrate;
  }
}
