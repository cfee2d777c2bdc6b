import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { visitBlockdevOptions } from '../../../generated/index.js';
import { loadSchema, type Type } from '../../../generator/index.js';
import { OptionError, readOption, type Visit, writeOption } from '../../../runtime/index.js';
import { arbitrary } from '../../arbitrary.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { importGenerated } from '../../generated-code.js';

describe('an option for BlockdevOptions', () => {
  it('reads back as it was written', async () => {
    const { schema } = await loadSchema(join(import.meta.dirname, '../../../qapi/qapi-schema.json'));
    const type = schema?.lookup('BlockdevOptions') as Type;
    let expressible = 0;
    fc.assert(
      fc.property(arbitrary(type), (value) => {
        let text: string;
        try {
          text = writeOption(visitBlockdevOptions, value as never);
        } catch (error) {
          // Empty lists and objects cannot be written.
          expect(error).toBeInstanceOf(OptionError);
          return;
        }
        expressible++;
        expect(readOption(visitBlockdevOptions, text)).toEqual(value);
      }),
      { numRuns: 500 },
    );
    expect(expressible).toBeGreaterThan(50);
  });
});

interface RecordedRun {
  readonly argv: readonly string[];
  /** The exit status; `null`: the program started. */
  readonly rc: number | null;
  readonly stderr?: string;
}

/** Complaints about what an option asks for, not about how it is written. */
const aboutMeaning = /Invalid node-name|latency-ns is invalid|Cannot find device=|Could not open/;

describeWithCorpus('options of a real storage daemon', 'transcripts', () => {
  let visit: Visit<unknown>;

  beforeAll(async () => {
    const { schema } = await loadSchema(corpusPath('releases/7.2/qapi/qapi-schema.json'));
    if (!schema) throw new Error('the schema of 7.2 is not valid');
    visit = (await importGenerated(schema, { targets: ['types', 'visitors'] }))
      .visitBlockdevOptions as unknown as Visit<unknown>;
  }, 120_000);

  const text = readFileSync(corpusPath('transcripts/cli-keyval-and-options.jsonl'), 'utf8');
  const runs = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as RecordedRun]));
  const blockdevs = runs.filter(({ argv }) => argv[1] === '--blockdev');

  it.each(
    blockdevs.map(
      ({ argv, rc, stderr = '' }) => [argv[2] as string, rc === null || aboutMeaning.test(stderr)] as const,
    ),
  )('--blockdev %j: taken %s', (option, taken) => {
    const read = () => readOption(visit, option, { impliedKey: 'driver' });
    if (taken) expect(read()).toHaveProperty('driver');
    else expect(read).toThrow(expect.objectContaining({ name: 'OptionError' }));
  });
});
