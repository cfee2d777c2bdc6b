import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { QCryptoHashAlgorithm } from '../../../../../generated/index.js';
import { BlockError } from '../../../error.js';
import { digestLength } from './hash.js';

const derive = promisify(pbkdf2);

/**
 * The most rounds that opening a volume may take, of all keys that are derived for it: some minutes of one processor. The
 * volume decides how many it wants, which may be days of them, and nothing can stop them once they run. A slot that was made to
 * take two seconds on a fast machine has about ten million.
 */
export const mostRounds = 200_000_000;

/** No key is derived by fewer, however slow the machine is. */
const leastIterations = 1000;
/** Deriving the digest of the volume's key takes this fraction of the time that deriving a slot's key takes. */
export const digestShare = 8;
/** Milliseconds of measuring the machine's speed that suffice. */
const patience = 100;

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
function roundsOf({ hash, iterations, length }: Omit<Derivation, 'salt'>): number {
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
async function measureRounds(hash: QCryptoHashAlgorithm, patience: number): Promise<number> {
  const salt = new Uint8Array(32);
  for (let iterations = 2 ** 12; ; iterations *= 2) {
    const start = performance.now();
    await deriveKey(salt, { hash, salt, iterations, length: digestLength[hash] }, { rounds: mostRounds });
    const elapsed = performance.now() - start;
    if (elapsed > patience) return iterations / elapsed;
  }
}

/**
 * How many rounds this machine does in the time that deriving a slot's key shall take.
 *
 * @param iterTime milliseconds
 * @throws BlockError (EINVAL) when such a volume could not be opened again
 */
export async function roundsWithin(iterTime: number, hash: QCryptoHashAlgorithm): Promise<number> {
  const rounds = iterTime * (await measureRounds(hash, Math.min(patience, iterTime / digestShare)));
  if (rounds * (1 + 1 / digestShare) <= mostRounds) return rounds;
  throw new BlockError("Option 'iter-time' is too large: such a volume could not be opened again", { code: 'EINVAL' });
}

/** How many iterations of a derivation make so many rounds. */
export function iterationsFor(rounds: number, hash: QCryptoHashAlgorithm, length: number): number {
  return Math.max(leastIterations, Math.floor(rounds / roundsOf({ hash, iterations: 1, length })));
}
