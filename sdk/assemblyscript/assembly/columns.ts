// Placement: columns of hosts in, a ranking out.

import { Call, fail } from "./documents";
import { parse, Value } from "./json";

const HEADER: u32 = 32;
const ENTRY: u32 = 32;
const ABI_VERSION = 1;
const MAX_REASONS = 65535;
const MAX_REASON_BYTES = 256;

enum ColumnType {
  Float64 = 1,
  Uint32,
  Bitmap,
  String,
}

/** Stands in a u32 column for a host without a value. */
export const NO_UINT32: u32 = 0xffffffff;

/**
 * The hosts to rank, as columns: row i of every column is host i. Columns are
 * views of the input, not copies. One that the engine has no value of for any
 * host is not there.
 */
export class Hosts {
  /** The demand: its config, entity, and document with `demand` and `sequence`. */
  call: Call = new Call(Value.null());
  /** What is wrong with the input. */
  problem: Value | null = null;
  private count: i32 = 0;
  private columns: i32 = 0;

  constructor(private readonly buffer: ArrayBuffer, private readonly size: u32) {
    this.problem = this.open();
  }

  /** The number of hosts. */
  get length(): i32 { return this.count; }

  /** A column of numbers; NaN is a host without a value. */
  floats(name: string): Float64Array | null {
    const e = this.find(name, ColumnType.Float64);
    return e < 0 ? null : Float64Array.wrap(this.buffer, this.u32(e + 12), this.count);
  }

  /** A column of numbers; NO_UINT32 is a host without a value. */
  uint32s(name: string): Uint32Array | null {
    const e = this.find(name, ColumnType.Uint32);
    return e < 0 ? null : Uint32Array.wrap(this.buffer, this.u32(e + 12), this.count);
  }

  /** A column of truth values. */
  bitmap(name: string): Bitmap | null {
    const e = this.find(name, ColumnType.Bitmap);
    return e < 0 ? null : new Bitmap(Uint64Array.wrap(this.buffer, this.u32(e + 12), this.u32(e + 16) >> 3), this.count);
  }

  /** A column of texts. */
  strings(name: string): Strings | null {
    const e = this.find(name, ColumnType.String);
    return e < 0 ? null : new Strings(this.buffer, Uint32Array.wrap(this.buffer, this.u32(e + 12), this.count + 1));
  }

  private u32(at: u32): u32 { return load<u32>(changetype<usize>(this.buffer) + at); }

  private text(at: u32): string {
    return String.UTF8.decodeUnsafe(changetype<usize>(this.buffer) + this.u32(at), this.u32(at + 4));
  }

  private find(name: string, type: ColumnType): i32 {
    if (this.count == 0) return -1;
    for (let c = 0; c < this.columns; c++) {
      const e = HEADER + ENTRY * c;
      if (this.u32(e) == type && this.text(e + 4) == name) return e;
    }
    return -1;
  }

  /** Checks the header and the table; a broken buffer must not make a handler read elsewhere. */
  private open(): Value | null {
    if (this.size < HEADER || this.u32(0) != 0x43505747) return fail("invalid", "placement: the input does not start with GWPC");
    const version = this.u32(4);
    if (version != ABI_VERSION) return fail("invalid", `placement: columns of version ${version}, this module reads version ${ABI_VERSION}`);
    if (this.u32(24) != this.size || HEADER + <u64>ENTRY * this.u32(12) > <u64>this.size || this.u32(8) > this.size * 8) {
      return fail("invalid", `placement: the input has ${this.size} bytes, its header says otherwise`);
    }
    this.count = this.u32(8);
    this.columns = this.u32(12);
    for (let c = 0; c < this.columns; c++) {
      if (!this.good(HEADER + ENTRY * c)) return fail("invalid", `placement: column ${c} does not fit its buffer`);
    }
    if (!this.fits(16)) return fail("invalid", "placement: the demand does not fit its buffer");
    if (this.u32(20) == 0) return null;
    const read = parse(this.text(16));
    if (read.problem.length > 0) return fail("invalid", "placement: decode demand: " + read.problem);
    this.call = new Call(read.value);
    return null;
  }

  private fits(at: u32): bool { return <u64>this.u32(at) + <u64>this.u32(at + 4) <= <u64>this.size; }

  private good(e: u32): bool {
    const n = <u64>this.count;
    const length = <u64>this.u32(e + 16);
    if (!this.fits(e + 4) || !this.fits(e + 12) || this.u32(e + 12) % 8 != 0) return false;
    switch (this.u32(e)) {
      case ColumnType.Float64: return length == 8 * n;
      case ColumnType.Uint32: return length == 4 * n;
      case ColumnType.Bitmap: return length == ((n + 63) / 64) * 8;
      case ColumnType.String: return length >= 4 * (n + 1) && this.rises(this.u32(e + 12), <u32>length);
      default: return true; // a type of a later version; nobody here asks for it
    }
  }

  /** Checks the offsets of a text column. */
  private rises(data: u32, length: u32): bool {
    let last: u32 = 0;
    for (let i: u32 = 0; i <= <u32>this.count; i++) {
      const at = this.u32(data + 4 * i);
      if (at < last) return false;
      last = at;
    }
    return last == length - 4 * (this.count + 1);
  }
}

/** A column of truth values. */
export class Bitmap {
  constructor(private readonly words: Uint64Array, private readonly count: i32) {}

  get(i: i32): bool { return i < this.count && ((this.words[i >> 6] >> (i & 63)) & 1) == 1; }
}

/** A column of texts. */
export class Strings {
  constructor(private readonly buffer: ArrayBuffer, private readonly offsets: Uint32Array) {}

  /** The text of host i; "" for a host without a value. */
  get(i: i32): string {
    if (i + 1 >= this.offsets.length) return "";
    const from = this.offsets[i];
    const texts = this.offsets.dataStart + 4 * this.offsets.length;
    return String.UTF8.decodeUnsafe(texts + from, this.offsets[i + 1] - from);
  }
}

/** Takes what a strategy thinks of each host. At first every host is accepted with score 0. */
export class Ranking {
  /** The scores of all hosts, to be set in place. NaN refuses. */
  readonly scores: Float64Array;
  private index: Uint16Array;
  private known: Map<string, u16> = new Map();
  private texts: ArrayBuffer[] = [];
  private error: Value | null = null;

  constructor(count: i32) {
    this.scores = new Float64Array(count);
    this.index = new Uint16Array(count);
  }

  /** Accepts host i; the higher the score, the better. */
  score(i: i32, score: f64): void { this.scores[i] = score; }

  /** Excludes host i and says why in words for users; a text longer than 256 bytes is cut. */
  refuse(i: i32, reason: string): void {
    this.scores[i] = NaN;
    this.index[i] = this.reason(reason);
  }

  /**
   * Answers with an error instead of a ranking: the strategy cannot work with
   * its config. It should not depend on the hosts, because the engine asks about
   * none to check a blueprint.
   */
  fail(error: Value): void { this.error = error; }

  /** What fail was given. */
  get failure(): Value | null { return this.error; }

  /** The index of a text, 0 for none. Texts are kept once each. */
  private reason(text: string): u16 {
    if (this.known.has(text)) return this.known.get(text);
    if (text.length == 0 || this.texts.length == MAX_REASONS) return 0;
    let bytes = String.UTF8.encode(text);
    if (bytes.byteLength > MAX_REASON_BYTES) {
      let cut = MAX_REASON_BYTES;
      while (cut > 0 && (load<u8>(changetype<usize>(bytes) + cut) & 0xc0) == 0x80) cut--;
      bytes = bytes.slice(0, cut);
    }
    this.texts.push(bytes);
    this.known.set(text, <u16>this.texts.length);
    return <u16>this.texts.length;
  }

  encode(): ArrayBuffer {
    const n = this.scores.length;
    const reasons = n > 0 ? this.texts.length : 0;
    const index = HEADER + 8 * n;
    const table = (index + 2 * n + 7) & ~7;
    let at = table + 8 * reasons;
    let total = at;
    for (let i = 0; i < reasons; i++) total += this.texts[i].byteLength;
    const out = new ArrayBuffer(total);
    const p = changetype<usize>(out);
    const header: i32[] = [0x52505747, ABI_VERSION, n, reasons, HEADER, index, table, total];
    for (let i = 0; i < 8; i++) store<u32>(p + 4 * i, header[i]);
    memory.copy(p + HEADER, this.scores.dataStart, 8 * n);
    memory.copy(p + index, this.index.dataStart, 2 * n);
    for (let i = 0; i < reasons; i++) {
      const text = this.texts[i];
      store<u32>(p + table + 8 * i, at);
      store<u32>(p + table + 8 * i + 4, text.byteLength);
      memory.copy(p + at, changetype<usize>(text), text.byteLength);
      at += text.byteLength;
    }
    return out;
  }
}
