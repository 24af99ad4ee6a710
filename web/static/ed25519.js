// Ed25519 verification (RFC 8032 section 5.1.7) for browsers whose Web Crypto lacks it. Slow, and good enough for one address at a time:
// nothing here is secret, so that constant time is no matter.
"use strict";

const ed25519 = (() => {
  const P = 2n ** 255n - 19n;
  const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
  const mod = (a, m = P) => ((a % m) + m) % m;
  const power = (base, exponent) => {
    let result = 1n;
    for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
    return result;
  };
  const D = mod(-121665n * power(121666n, P - 2n));
  const ROOT = power(2n, (P - 1n) / 4n); // of -1
  const number = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

  // Points as (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z (section 5.1.4).
  const add = ([x1, y1, z1, t1], [x2, y2, z2, t2]) => {
    const a = mod((y1 - x1) * (y2 - x2));
    const b = mod((y1 + x1) * (y2 + x2));
    const c = mod(2n * t1 * t2 * D);
    const d = mod(2n * z1 * z2);
    const [e, f, g, h] = [b - a, d - c, d + c, b + a];
    return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
  };
  const times = (scalar, point) => {
    let sum = [0n, 1n, 1n, 0n];
    for (let s = scalar, p = point; s > 0n; s >>= 1n, p = add(p, p)) if (s & 1n) sum = add(sum, p);
    return sum;
  };
  const same = ([x1, y1, z1], [x2, y2, z2]) => mod(x1 * z2 - x2 * z1) === 0n && mod(y1 * z2 - y2 * z1) === 0n;

  // Section 5.1.3; null where the bytes are no point.
  const point = (bytes) => {
    const all = number(bytes);
    const [sign, y] = [all >> 255n, all & (2n ** 255n - 1n)];
    if (y >= P) return null;
    const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)];
    let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
    if (mod(v * x * x + u) === 0n) x = mod(x * ROOT);
    if (mod(v * x * x - u) !== 0n || (x === 0n && sign)) return null;
    if ((x & 1n) !== sign) x = P - x;
    return [x, y, 1n, mod(x * y)];
  };
  const BASE = point(Uint8Array.from([0x58, ...new Array(31).fill(0x66)]));

  return {
    async verify(key, signature, message) {
      const [a, r, s] = [point(key), point(signature.subarray(0, 32)), number(signature.subarray(32))];
      if (key.length !== 32 || signature.length !== 64 || !a || !r || s >= ORDER) return false;
      const hashed = new Uint8Array(64 + message.length);
      hashed.set(signature.subarray(0, 32));
      hashed.set(key, 32);
      hashed.set(message, 64);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", hashed));
      return same(times(s, BASE), add(r, times(mod(number(digest), ORDER), a)));
    },
  };
})();
