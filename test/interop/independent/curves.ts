/** The four curves in affine coordinates with BigInt (docs/protocol.md, "PAKE"). Slow and plain. */

/** A point in affine coordinates, or `undefined`: the identity. */
export type Point = { readonly x: bigint; readonly y: bigint } | undefined;

/** y² = x³ + ax + b over the integers mod p; g, u and v generate the group of prime order n. */
export interface Curve {
  readonly name: string;
  readonly p: bigint;
  readonly n: bigint;
  readonly a: bigint;
  readonly b: bigint;
  readonly g: Point;
  readonly u: Point;
  readonly v: Point;
  /** Bytes of a coordinate on the wire. */
  readonly width: number;
}

const U_X = 793136080485469241208656611513609866400481671852n;
const V_X = 1086685267857089638167386722555472967068468061489n;

/** A NIST curve: a = -3, and the x of U and V is the same on all three. */
function nist(
  name: string,
  width: number,
  numbers: Readonly<Record<'p' | 'n' | 'b' | 'gx' | 'gy' | 'uy' | 'vy', bigint>>,
): Curve {
  const { p, n, b, gx, gy, uy, vy } = numbers;
  const [g, u, v] = [
    { x: gx, y: gy },
    { x: U_X, y: uy },
    { x: V_X, y: vy },
  ];
  return { name, p, n, a: p - 3n, b, g, u, v, width };
}

/** π = SIEC_A + (1 − √−3)/2, so N(π) = A² + A + 1 and N(π − 1) = A² − A + 1. */
const SIEC_A = 2n ** 127n + 2n ** 25n + 2n ** 12n + 2n ** 6n;

/** FIPS 186-4 appendix D.1.2 for the NIST curves; the document for everything else. */
export const CURVES: readonly Curve[] = [
  nist('p256', 32, {
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    gx: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
    gy: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    uy: 59748757929350367369315811184980635230185250460108398961713395032485227207304n,
    vy: 9157340230202296554417312816309453883742349874205386245733062928888341584123n,
  }),
  nist('p384', 48, {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    gx: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
    gy: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    uy: 7854890799382392388170852325516804266858248936799429260403044177981810983054351714387874260245230531084533936948596n,
    vy: 21898206562669911998235297167979083576432197282633635629145270958059347586763418294901448537278960988843108277491616n,
  }),
  nist('p521', 66, {
    p: 2n ** 521n - 1n,
    n: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    b: 0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    gx: 0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
    gy: 0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
    uy: 4032821203812196944795502391345776760852202059010382256134592838722123385325802540879231526503456158741518531456199762365161310489884151533417829496019094620n,
    vy: 5010916268086655347194655708160715195931018676225831839835602465999566066450501167246678404591906342753230577187831311039273858772817427392089150297708931207n,
  }),
  {
    name: 'siec',
    p: SIEC_A * SIEC_A + SIEC_A + 1n,
    n: SIEC_A * SIEC_A - SIEC_A + 1n,
    a: 0n,
    b: 19n,
    g: { x: 5n, y: 12n },
    u: {
      x: U_X + 1n,
      y: 18458907634222644275952014841865282643645472623913459400556233196838128612339n,
    },
    v: {
      x: V_X,
      y: 19593504966619549205903364028255899745298716108914514072669075231742699650911n,
    },
    width: 32,
  },
];

/** The curve of this name. */
export function curveOf(name: string): Curve {
  const curve = CURVES.find((one) => one.name === name);
  if (curve === undefined) throw new Error(`unknown curve ${name}`);
  return curve;
}

/** The remainder from 0 to m - 1. */
export function mod(value: bigint, m: bigint): bigint {
  const rest = value % m;
  return rest < 0n ? rest + m : rest;
}

/** The inverse mod a prime, by the extended Euclidean algorithm; `value` is not 0 mod p. */
function inverse(value: bigint, p: bigint): bigint {
  let [older, newer] = [mod(value, p), p];
  let [olderFactor, newerFactor] = [1n, 0n];
  while (newer !== 0n) {
    const quotient = older / newer;
    [older, newer] = [newer, older - quotient * newer];
    [olderFactor, newerFactor] = [newerFactor, olderFactor - quotient * newerFactor];
  }
  return mod(olderFactor, p);
}

/** Tells whether coordinates are in the field and satisfy the equation; not so for the identity. */
export function isOnCurve({ p, a, b }: Curve, point: Point): boolean {
  if (point === undefined) return false;
  const { x, y } = point;
  return x >= 0n && x < p && y >= 0n && y < p && mod(y * y - (x * x + a) * x - b, p) === 0n;
}

/** The group law. */
export function add({ p, a }: Curve, one: Point, other: Point): Point {
  if (one === undefined) return other;
  if (other === undefined) return one;
  if (one.x === other.x && mod(one.y + other.y, p) === 0n) return undefined;
  const slope =
    one.x === other.x
      ? (3n * one.x * one.x + a) * inverse(2n * one.y, p)
      : (other.y - one.y) * inverse(other.x - one.x, p);
  const x = mod(slope * slope - one.x - other.x, p);
  return { x, y: mod(slope * (one.x - x) - one.y, p) };
}

/** The point with which this one adds up to the identity. */
export function negate({ p }: Curve, point: Point): Point {
  return point && { x: point.x, y: mod(-point.y, p) };
}

/** Double and add. @param factor - any integer from 0 */
export function multiply(curve: Curve, factor: bigint, point: Point): Point {
  let sum: Point;
  for (let double = point, rest = factor; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = add(curve, sum, double);
    double = add(curve, double, double);
  }
  return sum;
}
