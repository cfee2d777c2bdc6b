import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'vitest';

/** Where the QEMU schemas, schema tests and transcripts are: they belong to QEMU and are not part of this project. */
const root = resolve(import.meta.dirname, '..', process.env.QAPI_CORPUS ?? '../shared/corpus');

/** A path inside the corpus. */
export function corpusPath(...parts: string[]): string {
  return join(root, ...parts);
}

/** A `describe` whose tests need a part of the corpus: skipped, with a line that says so, where it is absent. */
export function describeWithCorpus(title: string, part: string, body: () => void): void {
  if (existsSync(corpusPath(part))) {
    describe(title, body);
    return;
  }
  process.stderr.write(`SKIPPED: "${title}" needs ${corpusPath(part)}; set QAPI_CORPUS to the corpus to run it\n`);
  // The body itself may read the corpus to find out which tests there are.
  describe.skip(title, () => it(`needs ${part}`, () => {}));
}
