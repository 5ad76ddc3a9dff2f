/**
 * The curves of the key exchange: parameters as data, fed to one factory.
 *
 * Sources: p256, p384, p521 from FIPS 186-4, D.1.2; siec and the fixed points U and V from
 * docs/protocol.md, "PAKE". Every curve has prime order, so each point but the identity
 * generates the whole group.
 */
import { weierstrass } from '@noble/curves/abstract/weierstrass.js';
import type {
  WeierstrassOpts,
  WeierstrassPoint,
  WeierstrassPointCons,
} from '@noble/curves/abstract/weierstrass.js';
import { CrocError } from '../errors.js';
import { CURVE_NAMES } from '../types.js';
import type { CurveName } from '../types.js';

/** A point of one of the curves. */
export type CurvePoint = WeierstrassPoint<bigint>;

/** Affine coordinates, each in [0, p). */
export interface Affine {
  readonly x: bigint;
  readonly y: bigint;
}

/** A curve with its two fixed points. */
export interface Curve {
  readonly name: CurveName;
  readonly Point: WeierstrassPointCons<bigint>;
  /** Order of the group, a prime. */
  readonly n: bigint;
  /** Bytes of one coordinate on the wire. */
  readonly fieldBytes: number;
  /** Bytes of an uncompressed SEC1 point on the wire. */
  readonly pointBytes: number;
  /** Multiplied with the password by party A. */
  readonly U: CurvePoint;
  /** Multiplied with the password by party B. */
  readonly V: CurvePoint;
}

interface CurveData extends WeierstrassOpts<bigint> {
  readonly U: Affine;
  readonly V: Affine;
}

// The NIST curves share the x of their fixed points.
const UX = 793136080485469241208656611513609866400481671852n;
const VX = 1086685267857089638167386722555472967068468061489n;

const DATA: Readonly<Record<CurveName, CurveData>> = {
  p256: {
    p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
    n: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    h: 1n,
    a: 0xffffffff00000001000000000000000000000000fffffffffffffffffffffffcn,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    Gx: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
    Gy: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
    U: {
      x: UX,
      y: 59748757929350367369315811184980635230185250460108398961713395032485227207304n,
    },
    V: {
      x: VX,
      y: 9157340230202296554417312816309453883742349874205386245733062928888341584123n,
    },
  },
  p384: {
    p: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffffn,
    n: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    h: 1n,
    a: 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffcn,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    Gx: 0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
    Gy: 0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
    U: {
      x: UX,
      y: 7854890799382392388170852325516804266858248936799429260403044177981810983054351714387874260245230531084533936948596n,
    },
    V: {
      x: VX,
      y: 21898206562669911998235297167979083576432197282633635629145270958059347586763418294901448537278960988843108277491616n,
    },
  },
  p521: {
    p: (1n << 521n) - 1n,
    n: 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
    h: 1n,
    a: (1n << 521n) - 4n,
    b: 0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    Gx: 0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66n,
    Gy: 0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650n,
    U: {
      x: UX,
      y: 4032821203812196944795502391345776760852202059010382256134592838722123385325802540879231526503456158741518531456199762365161310489884151533417829496019094620n,
    },
    V: {
      x: VX,
      y: 5010916268086655347194655708160715195931018676225831839835602465999566066450501167246678404591906342753230577187831311039273858772817427392089150297708931207n,
    },
  },
  siec: {
    // p = N(π) and n = N(π − 1) for π = 2^127 + 2^25 + 2^12 + 2^6 + (1 − √−3)/2.
    p: 28948022309329048855892746252183396360603931420023084536990047309120118726721n,
    n: 28948022309329048855892746252183396360263649053102146073526672701688283398081n,
    h: 1n,
    a: 0n,
    b: 19n,
    Gx: 5n,
    Gy: 12n,
    U: {
      x: UX + 1n,
      y: 18458907634222644275952014841865282643645472623913459400556233196838128612339n,
    },
    V: {
      x: VX,
      y: 19593504966619549205903364028255899745298716108914514072669075231742699650911n,
    },
  },
};

/**
 * Bits of a window of the table of multiples of the base point, where the library multiplies (multiply.ts).
 * A transfer does so once, so its own 6 to 8 bits cost more to fill than they save.
 */
const WINDOW_BITS = 4;

function makeCurve(name: CurveName): Curve {
  const { U, V, ...parameters } = DATA[name];
  // Multiplications are blinded with randomness of the library's own, which no output shows.
  const Point = weierstrass(parameters);
  Point.BASE.precompute(WINDOW_BITS);
  const fieldBytes = Point.Fp.BYTES;
  return {
    name,
    Point,
    n: parameters.n,
    fieldBytes,
    pointBytes: 1 + 2 * fieldBytes,
    U: Point.fromAffine(U),
    V: Point.fromAffine(V),
  };
}

/** Tells whether `name` is a curve that Croc knows. */
export function isCurveName(name: string): name is CurveName {
  return CURVE_NAMES.some((known) => known === name);
}

// Made on first use and kept: constants, but each with tables of multiples of the base point that
// cost some milliseconds.
const made = new Map<CurveName, Curve>();

/**
 * The curve of that name, which may come from a peer.
 * @throws CrocError `unsupported_curve` for every other name
 */
export function curveNamed(name: string): Curve {
  if (!isCurveName(name)) {
    throw new CrocError('unsupported_curve', { detail: name.slice(0, 32) });
  }
  const curve = made.get(name) ?? makeCurve(name);
  made.set(name, curve);
  return curve;
}
