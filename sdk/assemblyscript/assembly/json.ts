// JSON values, as they are read and as they are made.

import { readNumber } from "./number";

/** What a value is. */
export enum Kind {
  Null,
  Bool,
  Number,
  Text,
  List,
  Object,
}

/** How deep lists and objects may stand in each other. */
const MAX_DEPTH = 256;

/**
 * A JSON value. Readers give the zero of their type for a value of another
 * kind, and for a field that is not there: "", 0, false, null.
 */
export class Value {
  private truth: bool = false;
  private num: f64 = 0;
  /** A text; or a number as the document writes it. */
  private str: string = "";
  private keys: string[] = [];
  private items: Value[] = [];

  constructor(public readonly kind: Kind) {}

  static null(): Value { return new Value(Kind.Null); }
  static list(): Value { return new Value(Kind.List); }
  static object(): Value { return new Value(Kind.Object); }

  static bool(truth: bool): Value {
    const v = new Value(Kind.Bool);
    v.truth = truth;
    return v;
  }

  /** A number; one that is not finite becomes null. */
  static number(num: f64): Value {
    if (!isFinite(num)) return Value.null();
    const v = new Value(Kind.Number);
    v.num = num;
    return v;
  }

  static text(text: string): Value {
    const v = new Value(Kind.Text);
    v.str = text;
    return v;
  }

  /** The value that stands for an entity. */
  static entity(id: string): Value { return Value.object().set("$entity", Value.text(id)); }

  /** A number as a document writes it; it is written again as it stands there. */
  static written(text: string, num: f64): Value {
    const v = Value.number(num);
    v.str = text;
    return v;
  }

  get isNull(): bool { return this.kind == Kind.Null; }
  get asText(): string { return this.kind == Kind.Text ? this.str : ""; }
  get asNumber(): f64 { return this.num; }
  get asBool(): bool { return this.truth; }

  /** A number without its fraction; exact up to 2^53. */
  get asInt(): i64 { return this.num >= 9223372036854775808.0 ? i64.MAX_VALUE : this.num <= -9223372036854775808.0 ? i64.MIN_VALUE : <i64>this.num; }

  /** The number of items of a list, or of fields of an object. */
  get length(): i32 { return this.items.length; }

  /** The name of a field. */
  keyAt(i: i32): string { return this.keys[i]; }

  /** An item of a list, or the value of a field. */
  at(i: i32): Value { return i >= 0 && i < this.items.length ? this.items[i] : Value.null(); }

  get(key: string): Value {
    const i = this.keys.lastIndexOf(key);
    return i < 0 ? Value.null() : this.items[i];
  }

  /** Says whether a field is there and not null. */
  has(key: string): bool { return !this.get(key).isNull; }

  getText(key: string): string { return this.get(key).asText; }
  getNumber(key: string): f64 { return this.get(key).asNumber; }
  getInt(key: string): i64 { return this.get(key).asInt; }
  getBool(key: string): bool { return this.get(key).asBool; }

  /** The id of the entity that a field stands for, or "". */
  getEntity(key: string): string { return this.get(key).getText("$entity"); }

  /** Puts a field of an object, or replaces it. */
  set(key: string, v: Value): this {
    const i = this.keys.lastIndexOf(key);
    if (i >= 0) {
      this.items[i] = v;
    } else {
      this.push(key, v);
    }
    return this;
  }

  /** Appends to a list. */
  add(v: Value): this {
    this.items.push(v);
    return this;
  }

  /** Appends a field without a look whether it is there; the last one counts. */
  push(key: string, v: Value): void {
    this.keys.push(key);
    this.items.push(v);
  }

  /** The value as JSON. */
  toString(): string {
    const out: string[] = [];
    this.write(out);
    return out.join("");
  }

  private write(out: string[]): void {
    switch (this.kind) {
      case Kind.Bool: out.push(this.truth ? "true" : "false"); break;
      case Kind.Number: out.push(this.str.length > 0 ? this.str : writeNumber(this.num)); break;
      case Kind.Text: quoteTo(out, this.str); break;
      case Kind.List:
      case Kind.Object: this.writeItems(out); break;
      default: out.push("null");
    }
  }

  private writeItems(out: string[]): void {
    const object = this.kind == Kind.Object;
    out.push(object ? "{" : "[");
    for (let i = 0; i < this.items.length; i++) {
      if (i > 0) out.push(",");
      if (object) {
        quoteTo(out, this.keys[i]);
        out.push(":");
      }
      this.items[i].write(out);
    }
    out.push(object ? "}" : "]");
  }
}

/** A number as JSON; a whole one has no fraction, so that it can stand where an integer is asked for. */
function writeNumber(num: f64): string {
  return abs(num) < 9007199254740992.0 && Math.floor(num) == num ? (<i64>num).toString() : num.toString();
}

/** A text as JSON: "a \"b\"". */
export function quote(text: string): string {
  const out: string[] = [];
  quoteTo(out, text);
  return out.join("");
}

function quoteTo(out: string[], text: string): void {
  let start = 0;
  out.push('"');
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5c) continue;
    out.push(text.substring(start, i));
    start = i + 1;
    if (c == 0x22) out.push('\\"');
    else if (c == 0x5c) out.push("\\\\");
    else if (c == 0x0a) out.push("\\n");
    else out.push("\\u00" + (c < 16 ? "0" : "") + c.toString(16));
  }
  out.push(text.substring(start));
  out.push('"');
}

/** What reading gave: a value, or what is wrong with the text. */
export class Read {
  problem: string = "";
  value: Value = Value.null();
}

/** Reads a text as JSON. */
export function parse(text: string): Read {
  const r = new Reader(text);
  const read = new Read();
  const v = r.value(MAX_DEPTH);
  r.space();
  if (r.problem.length == 0 && r.at < text.length) r.fail("something behind the value");
  read.problem = r.problem;
  if (read.problem.length == 0) read.value = v;
  return read;
}

class Reader {
  at: i32 = 0;
  problem: string = "";

  constructor(private readonly text: string) {}

  fail(what: string): Value {
    if (this.problem.length == 0) this.problem = what + " at character " + (this.at + 1).toString();
    this.at = this.text.length;
    return Value.null();
  }

  /** The character at hand, or -1 at the end. */
  private peek(): i32 { return this.at < this.text.length ? this.text.charCodeAt(this.at) : -1; }

  space(): i32 {
    let c = this.peek();
    while (c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09) {
      this.at++;
      c = this.peek();
    }
    return c;
  }

  value(depth: i32): Value {
    const c = this.space();
    if (c == 0x7b) return this.container(Kind.Object, 0x7d, depth);
    if (c == 0x5b) return this.container(Kind.List, 0x5d, depth);
    if (c == 0x22) return Value.text(this.string());
    if (c == 0x74) return this.word("true", Value.bool(true));
    if (c == 0x66) return this.word("false", Value.bool(false));
    if (c == 0x6e) return this.word("null", Value.null());
    return c == 0x2d || (c >= 0x30 && c <= 0x39) ? this.number() : this.fail("no value");
  }

  private word(name: string, v: Value): Value {
    if (this.text.substr(this.at, name.length) != name) return this.fail("no value");
    this.at += name.length;
    return v;
  }

  private container(kind: Kind, close: i32, depth: i32): Value {
    const v = new Value(kind);
    if (depth == 0) return this.fail("lists and objects nested deeper than 256");
    this.at++;
    if (this.space() == close) {
      this.at++;
      return v;
    }
    while (this.problem.length == 0) {
      let key = "";
      if (kind == Kind.Object) {
        if (this.space() != 0x22) return this.fail("no field name");
        key = this.string();
        if (this.space() != 0x3a) return this.fail("no colon");
        this.at++;
      }
      const item = this.value(depth - 1);
      if (kind == Kind.Object) v.push(key, item);
      else v.add(item);
      const c = this.space();
      if (c != 0x2c && c != close) return this.fail(kind == Kind.List ? "no comma or ]" : "no comma or }");
      this.at++;
      if (c == close) return v;
    }
    return v;
  }

  private digits(): i32 {
    const from = this.at;
    let c = this.peek();
    while (c >= 0x30 && c <= 0x39) {
      this.at++;
      c = this.peek();
    }
    return this.at - from;
  }

  private number(): Value {
    const from = this.at;
    if (this.peek() == 0x2d) this.at++;
    const zero = this.peek() == 0x30;
    const n = this.digits();
    if (n == 0 || (zero && n > 1)) return this.fail("no number");
    if (this.peek() == 0x2e) {
      this.at++;
      if (this.digits() == 0) return this.fail("no number");
    }
    if (this.peek() == 0x65 || this.peek() == 0x45) {
      this.at++;
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++;
      if (this.digits() == 0) return this.fail("no number");
    }
    const text = this.text.substring(from, this.at);
    const num = readNumber(text);
    return isFinite(num) ? Value.written(text, num) : this.fail("a number too large");
  }

  /** Reads a text from its first quote on. */
  private string(): string {
    let out = "";
    let start = ++this.at;
    while (true) {
      const c = this.peek();
      if (c < 0x20) {
        this.fail(c < 0 ? "a text without end" : "a control character in a text");
        return "";
      }
      if (c == 0x22) {
        out += this.text.substring(start, this.at++);
        return out;
      }
      if (c == 0x5c) {
        out += this.text.substring(start, this.at++);
        out += this.escape();
        start = this.at;
      } else {
        this.at++;
      }
    }
  }

  /** Reads what follows a backslash. Halves of surrogate pairs meet again in the text. */
  private escape(): string {
    const c = this.peek();
    this.at++;
    if (c == 0x22 || c == 0x5c || c == 0x2f) return String.fromCharCode(c);
    if (c == 0x62) return "\b";
    if (c == 0x66) return "\f";
    if (c == 0x6e) return "\n";
    if (c == 0x72) return "\r";
    if (c == 0x74) return "\t";
    if (c != 0x75) {
      this.fail("an unknown escape in a text");
      return "";
    }
    let code = 0;
    for (let i = 0; i < 4; i++) {
      const h = this.peek();
      const digit = h >= 0x30 && h <= 0x39 ? h - 0x30 : h >= 0x61 && h <= 0x66 ? h - 0x57 : h >= 0x41 && h <= 0x46 ? h - 0x37 : -1;
      if (digit < 0) {
        this.fail("an unknown escape in a text");
        return "";
      }
      code = (code << 4) | digit;
      this.at++;
    }
    return String.fromCharCode(code);
  }
}
