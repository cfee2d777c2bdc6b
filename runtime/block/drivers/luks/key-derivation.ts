import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { QCryptoHashAlgorithm } from '../../../../generated/index.js';
import { BlockError } from '../../error.js';
import { digestLength } from './hash.js';

const derive = promisify(pbkdf2);

/**
 * The most rounds that opening a volume may take, of all keys that are derived for it: some minutes of one processor. The
 * volume decides how many it wants, which may be days of them, and nothing can stop them once they run. A slot that was made to
 * take two seconds on a fast machine has about ten million.
 */
export const mostRounds = 200_000_000;

/** The rounds that may still be done. */
export interface Budget {
  rounds: number;
}

/** How a key is made from a passphrase, or from another key. */
export interface Derivation {
  readonly hash: QCryptoHashAlgorithm;
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Bytes of the result. */
  readonly length: number;
}

/** How many rounds of the hash function a derivation takes: each piece of the result, as long as a digest, is made by itself. */
export function roundsOf({ hash, iterations, length }: Omit<Derivation, 'salt'>): number {
  return iterations * Math.ceil(length / digestLength[hash]);
}

/**
 * Derives a key by PBKDF2, beside what else the process does.
 *
 * @param budget is charged with the rounds
 * @throws BlockError (EINVAL) when that would take too long
 */
export async function deriveKey(secret: Uint8Array, derivation: Derivation, budget: Budget): Promise<Uint8Array> {
  const { hash, salt, iterations, length } = derivation;
  budget.rounds -= roundsOf(derivation);
  if (budget.rounds < 0) {
    throw new BlockError(
      `Unlocking the LUKS volume would take too long: it has ${iterations} iterations of '${hash}' for one key, ` +
        `but of all keys together at most ${mostRounds} rounds are done`,
      { code: 'EINVAL' },
    );
  }
  return derive(secret, salt, iterations, length, hash);
}

/**
 * How many rounds of a hash function this machine does in a millisecond.
 *
 * @param patience milliseconds that are enough for measuring it
 */
export async function measureRounds(hash: QCryptoHashAlgorithm, patience: number): Promise<number> {
  const salt = new Uint8Array(32);
  for (let iterations = 2 ** 12; ; iterations *= 2) {
    const start = performance.now();
    await deriveKey(salt, { hash, salt, iterations, length: digestLength[hash] }, { rounds: mostRounds });
    const elapsed = performance.now() - start;
    if (elapsed > patience) return iterations / elapsed;
  }
}
