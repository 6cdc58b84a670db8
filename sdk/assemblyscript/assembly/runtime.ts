// What the compiler calls when a program fails, instead of imports that the
// contract does not have: "use" in asconfig.json names them.

import { Level, log } from "./host";

/** Tells the log why the program ends, and ends it. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message === null ? "" : message;
  const where = file === null ? "" : file;
  log(Level.Error, "aborted: " + what + " at " + where + ":" + line.toString() + ":" + column.toString());
  unreachable();
}

/** Logs what trace() is given. */
export function trace(message: string, n: i32 = 0, a0: f64 = 0, a1: f64 = 0, a2: f64 = 0, a3: f64 = 0, a4: f64 = 0): void {
  let line = message;
  if (n > 0) line += " " + a0.toString();
  if (n > 1) line += " " + a1.toString();
  if (n > 2) line += " " + a2.toString();
  if (n > 3) line += " " + a3.toString();
  if (n > 4) line += " " + a4.toString();
  log(Level.Debug, line);
}

/** Begins Math.random outside of calls; in each call it begins anew, with the seed of the document. */
export function seed(): f64 { return 42; }
