// Decimal numbers to doubles, correctly rounded, by arithmetic on long integers:
// f64.parse of the standard library is wrong by powers of ten for some numbers
// above 1e38.

const WORDS = 80; // 2560 bits; the largest needed are 10^362 and 2^1330

class Big {
  n: i32 = 0;
  w: StaticArray<u32> = new StaticArray<u32>(WORDS);

  constructor(v: u64) {
    this.w[0] = <u32>v;
    this.w[1] = <u32>(v >> 32);
    this.n = this.w[1] != 0 ? 2 : this.w[0] != 0 ? 1 : 0;
  }

  multiply(by: u32): void {
    let carry: u64 = 0;
    for (let i = 0; i < this.n; i++) {
      carry += <u64>this.w[i] * by;
      this.w[i] = <u32>carry;
      carry >>= 32;
    }
    if (carry != 0) this.w[this.n++] = <u32>carry;
  }

  pow10(e: i32): void {
    for (; e >= 9; e -= 9) this.multiply(1000000000);
    for (; e > 0; e--) this.multiply(10);
  }

  shift(bits: i32): void {
    if (this.n == 0 || bits == 0) return;
    const words = bits / 32;
    const rest: u32 = bits % 32;
    for (let i = this.n; i >= 0; i--) {
      const high = i < this.n ? this.w[i] : 0;
      const low = i > 0 ? this.w[i - 1] : 0;
      this.w[i + words] = rest != 0 ? (high << rest) | (low >> (32 - rest)) : high;
    }
    for (let i = 0; i < words; i++) this.w[i] = 0;
    this.n += words + 1;
    while (this.n > 0 && this.w[this.n - 1] == 0) this.n--;
  }

  less(other: Big): bool {
    if (this.n != other.n) return this.n < other.n;
    for (let i = this.n - 1; i >= 0; i--) {
      if (this.w[i] != other.w[i]) return this.w[i] < other.w[i];
    }
    return false;
  }

  subtract(other: Big): void {
    let borrow: i64 = 0;
    for (let i = 0; i < this.n; i++) {
      borrow += <i64>this.w[i] - <i64>(i < other.n ? other.w[i] : 0);
      this.w[i] = <u32>borrow;
      borrow >>= 32;
    }
    while (this.n > 0 && this.w[this.n - 1] == 0) this.n--;
  }

  bits(): i32 { return this.n > 0 ? 32 * this.n - <i32>clz(this.w[this.n - 1]) : 0; }
}

/** m * 10^e rounded to nearest, ties to even; `more` says that the true value is a little above. */
function scale(m: u64, e: i32, more: bool): f64 {
  if (m == 0 || e < -362) return 0;
  if (e > 310) return Infinity;
  const num = new Big(m);
  const den = new Big(1);
  if (e >= 0) num.pow10(e);
  else den.pow10(-e);
  const s = 63 - (num.bits() - den.bits()); // num * 2^s / den is in (2^62, 2^64)
  if (s >= 0) num.shift(s);
  else den.shift(-s);
  den.shift(63);
  let q: u64 = 0;
  for (let i = 0; i < 64; i++) {
    q <<= 1;
    if (!num.less(den)) {
      num.subtract(den);
      q |= 1;
    }
    num.shift(1);
  }
  more = more || num.n > 0;
  const bits = 64 - <i32>clz(q);
  const exponent = bits - 1 - s;
  const precision = exponent >= -1022 ? 53 : 53 + 1022 + exponent;
  if (exponent > 1023) return Infinity;
  if (precision < 0) return 0;
  const drop = bits - precision;
  const half = (<u64>1) << (drop - 1);
  const rest = drop < 64 ? q & ((<u64>1 << drop) - 1) : q;
  let r: u64 = drop < 64 ? q >> drop : 0;
  if (rest > half || (rest == half && (more || (r & 1) == 1))) r++;
  if (exponent < -1022) return reinterpret<f64>(r);
  return reinterpret<f64>((<u64>(exponent + 1023) << 52) + (r - (<u64>1 << 52)));
}

/** Reads a number as JSON writes it. */
export function readNumber(text: string): f64 {
  let at = 0;
  let m: u64 = 0;
  let e = 0;
  let digits = 0;
  let more = false;
  let point = false;
  const minus = text.charCodeAt(0) == 0x2d;
  for (at = minus ? 1 : 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c == 0x2e) {
      point = true;
    } else if (c < 0x30 || c > 0x39) {
      break;
    } else if (digits < 19) {
      m = m * 10 + (c - 0x30);
      if (m > 0) digits++;
      if (point) e--;
    } else {
      more = more || c != 0x30;
      if (!point) e++;
    }
  }
  if (at < text.length) { // e or E
    const sign = text.charCodeAt(++at);
    if (sign == 0x2b || sign == 0x2d) at++;
    let written = 0;
    for (; at < text.length && written < 1 << 20; at++) written = written * 10 + (text.charCodeAt(at) - 0x30);
    e += sign == 0x2d ? -written : written;
  }
  let v: f64;
  if (!more && m < <u64>1 << 53 && e >= -22 && e <= 22) {
    let power = 1.0; // exact up to 10^22
    for (let i = abs(e); i > 0; i--) power *= 10;
    v = e < 0 ? <f64>m / power : <f64>m * power;
  } else {
    v = scale(m, e, more);
  }
  return minus ? -v : v;
}
