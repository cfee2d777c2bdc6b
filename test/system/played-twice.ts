import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { described, said } from './script-compare.js';
import { ours, type Side } from './script-sides.js';

/** What a script has shown of one program, line by line. */
export interface Played {
  readonly seen: readonly string[];
  /** The program crashed behind the last line. */
  readonly died: boolean;
}

/** The lines of a script that was played here and with a program of QEMU, as far as both came, and the folders of both. */
export interface PlayedTwice {
  readonly here: readonly string[];
  readonly there: readonly string[];
  readonly died: boolean;
  readonly at: { readonly ours: string; readonly real: string };
}

/**
 * Plays a script here, and then with a program of QEMU, each in a folder of its own. A program that crashes is followed up to there; none of
 * the usual seeds makes one crash.
 *
 * @param makeImages makes such a folder
 */
export async function playedTwice(
  folder: string,
  seed: number,
  {
    start,
    makeImages,
    play,
  }: {
    readonly start: (folder: string) => Promise<Side>;
    readonly makeImages: (folder: string) => void;
    readonly play: (side: Side) => Promise<Played>;
  },
): Promise<PlayedTwice> {
  const at = { ours: join(folder, `ours${seed}`), real: join(folder, `real${seed}`) };
  const playedAt = async (place: string, startSide: typeof start): Promise<Played> => {
    makeImages(place);
    const side = await startSide(place);
    try {
      return await play(side);
    } finally {
      await side.close();
    }
  };
  const { seen } = await playedAt(at.ours, ours);
  const { seen: there, died } = await playedAt(at.real, start);
  // A folder for the lines of both, to look for what came before a difference.
  const kept = process.env.JOB_SCRIPT_LINES;
  if (kept !== undefined) {
    writeFileSync(join(kept, `${seed}.ours`), seen.join('\n'));
    writeFileSync(join(kept, `${seed}.real`), there.join('\n'));
  }
  if (died) console.warn(`QEMU's program crashed after ${there.length} lines of seed ${seed}: ${there.at(-1)}`);
  if (process.env.JOB_SCRIPT_SEEDS === undefined) expect(died).toBe(false);
  if (!died) return { here: seen, there, died, at };
  // The last line may show the crash.
  const lived = there.slice(0, -1);
  return { here: seen.slice(0, lived.length), there: lived, died, at };
}

/** An image that both have made is the same: backing file, bitmaps, what a check finds, and contents. */
export async function expectSameImage(
  name: string,
  at: PlayedTwice['at'],
  { contents = true }: { readonly contents?: boolean } = {},
): Promise<void> {
  const [one, other] = [join(at.ours, name), join(at.real, name)];
  expect({ name, ...(await described(one)) }).toEqual({ name, ...(await described(other)) });
  if (!contents) return;
  const compared = await said('compare', one, other);
  expect({ name, compared }).toEqual({ name, compared: 'Images are identical.\n' });
}
