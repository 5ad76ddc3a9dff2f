/** The hashes that croc senders name for their files. */
import { createHash } from 'node:crypto';
import xxhash from 'xxhash-wasm';

/** A hash of bytes in order. */
export interface FileHash {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

/** Makes hashes of one algorithm. */
export type HashFactory = () => FileHash;

/** xxHash64 with seed 0, its eight bytes most significant first: what croc uses unless told otherwise. */
export async function xxHash64(): Promise<HashFactory> {
  const library = await xxhash();
  return () => {
    const hash = library.create64();
    return {
      update: (bytes) => void hash.update(bytes),
      digest: () => {
        const digest = Buffer.alloc(8);
        digest.writeBigUInt64BE(hash.digest());
        return digest;
      },
    };
  };
}

/**
 * The hash of that name.
 *
 * @returns undefined for one that cannot be compared here: then the check that every record and every byte came
 *   unchanged has to do
 */
export async function hashNamed(name: string): Promise<HashFactory | undefined> {
  if (name === 'xxhash') return xxHash64();
  if (name === 'md5') return () => createHash('md5');
  return undefined;
}
