// What a module may ask of the engine.

import { parse, Value } from "./json";

// @ts-ignore: decorator
@external("gowanus", "log")
declare function importLog(level: i32, at: usize, length: usize): void;

// @ts-ignore: decorator
@external("gowanus", "host")
declare function importHost(op: i32, at: usize, length: usize, out: usize, room: usize): i64;

/** The levels of the engine's log. */
export enum Level {
  Debug,
  Info,
  Warn,
  Error,
}

/** Writes one line to the engine's log, with the module's name. The engine drops lines above its limit for one call. */
export function log(level: Level, line: string): void {
  const bytes = String.UTF8.encode(line);
  importLog(level, changetype<usize>(bytes), bytes.byteLength);
}

const kinds: string[] = [
  "internal", "invalid", "not-found", "conflict", "unauthorized", "forbidden", "timeout", "cancelled",
  "unavailable", "limit", "capacity", "on-fire", "read-only", "precondition",
];

/** What a host operation gave. */
export class HostAnswer {
  value: Value = Value.null();
  /** The kind of the error, or "". */
  fault: string = "";
}

/** Asks the engine for something that was not sent with the call. Operations need capabilities; without one the fault is "forbidden". */
export function host(op: i32, request: Value): HostAnswer {
  const answer = new HostAnswer();
  const ask = String.UTF8.encode(request.toString());
  let out = new ArrayBuffer(4096);
  while (true) {
    const n = importHost(op, changetype<usize>(ask), ask.byteLength, changetype<usize>(out), out.byteLength);
    if (n < 0) {
      const k = <i32>(-n - 1);
      answer.fault = k < kinds.length ? kinds[k] : kinds[0];
      return answer;
    }
    if (n <= <i64>out.byteLength) {
      answer.value = parse(String.UTF8.decodeUnsafe(changetype<usize>(out), <usize>n)).value;
      return answer;
    }
    out = new ArrayBuffer(<i32>n);
  }
}

function hostValue(op: i32, entity: string, key: string, name: string): HostAnswer {
  const answer = host(op, Value.object().set("entity", Value.text(entity)).set(key, Value.text(name)));
  answer.value = answer.value.get("value");
  return answer;
}

/** Reads a sensor of an entity of the same application. It needs the capability sensor. */
export function hostSensor(entity: string, sensor: string): HostAnswer { return hostValue(1, entity, "sensor", sensor); }

/** Reads a config value of an entity of the same application. It needs the capability config. */
export function hostConfig(entity: string, key: string): HostAnswer { return hostValue(2, entity, "key", key); }

/** Reads a file of the bundle that the module came in: an object with text or base64. */
export function hostFile(name: string): HostAnswer { return host(3, Value.object().set("name", Value.text(name))); }
