/**
 * How croc encrypts a body: 12 random bytes of nonce ‖ AES-256-GCM ciphertext ‖ 16 bytes of tag, under a
 * key made from a session key and a salt.
 */
import { createCipheriv, createDecipheriv, pbkdf2Sync } from 'node:crypto';
import type { RandomBytes } from '../edges.js';
import { CrocError } from '../errors.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
/** Few, because the session key is not a password but the result of a key exchange. */
const ITERATIONS = 100;
/** Bytes of the salt that a client sends its relay. */
export const CROC_SALT_BYTES = 8;

/** The key between a client and its relay. @param sessionKey - 32 bytes @param salt - 8 bytes */
export function crocRelayKey(sessionKey: Uint8Array, salt: Uint8Array): Uint8Array {
  return pbkdf2Sync(sessionKey, salt, ITERATIONS, KEY_BYTES, 'sha256');
}

/** Encrypts a body. @param key - 32 bytes */
export function sealCroc(key: Uint8Array, plaintext: Uint8Array, random: RandomBytes): Buffer {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Decrypts a body. @throws CrocError `tampered` when it is not one of this key */
export function openCroc(key: Uint8Array, body: Uint8Array): Buffer {
  if (body.length < NONCE_BYTES + TAG_BYTES)
    throw new CrocError('tampered', { detail: 'too short for an encrypted body' });
  const decipher = createDecipheriv(CIPHER, key, body.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
  const plaintext = decipher.update(body.subarray(NONCE_BYTES, body.length - TAG_BYTES));
  try {
    decipher.final();
  } catch (cause) {
    throw new CrocError('tampered', { cause });
  }
  return plaintext;
}
