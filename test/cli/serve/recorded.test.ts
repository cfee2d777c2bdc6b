import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBlockdev } from '../../../cli/serve/schema-options.js';
import { readDrive } from '../../../runtime/block/drive/read-drive.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { Taken } from '../../runtime/block/drive/registry.js';

interface RecordedRun {
  readonly argv: readonly string[];
  /** The exit status; `null`: the program started. */
  readonly rc: number | null;
  readonly stderr?: string;
}

/** Complaints about images, which come when they are opened. */
const aboutImages =
  /Invalid node-name|latency-ns is invalid|Cannot find device=|Could not open|A block device must be specified|does not support the option|does not accept value 'bogus'\n$/;

/** Read by 2.8, whose schema this is, in another way than by the 7.2 of the recordings. */
const laterInBlockdev = /read-zeroes|file\.locking|auto-read-only/;

describeWithCorpus('options of real programs', 'transcripts', () => {
  const text = readFileSync(corpusPath('transcripts/cli-keyval-and-options.jsonl'), 'utf8');
  const runs = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as RecordedRun]));
  const of = (option: string) => runs.filter(({ argv }) => argv[1] === option);

  describe('-drive', () => {
    const drives = of('-drive');

    it('finds recorded lines to compare with', () => {
      expect(drives.length).toBeGreaterThan(20);
    });

    it.each(
      drives.map(({ argv, rc, stderr = '' }) => ({
        texts: argv.filter((_, index) => index > 0 && index % 2 === 0),
        taken: rc === null || (aboutImages.test(stderr) && !stderr.includes('Must specify')),
        warned: rc === null && stderr.includes('deprecated'),
      })),
    )('$texts: taken $taken', ({ texts, taken, warned }) => {
      const registry = new Taken();
      const read = () =>
        texts.flatMap((drive) => {
          const config = readDrive(drive, registry);
          registry.add(config);
          return config.warnings;
        });
      if (taken) expect(read().length > 0).toBe(warned);
      else expect(read).toThrow(expect.objectContaining({ name: expect.stringMatching(/^(Block|Option)Error$/) }));
    });
  });

  describe('--blockdev', () => {
    it.each(
      of('--blockdev')
        .filter(({ argv }) => argv.length === 3 && !laterInBlockdev.test(argv[2] ?? ''))
        .map(({ argv, rc, stderr = '' }) => ({
          text: argv[2] ?? '',
          taken:
            rc === null || /Invalid node-name|latency-ns is invalid|Cannot find device=|Could not open/.test(stderr),
        })),
    )('$text: taken $taken', ({ text: option, taken }) => {
      if (taken) expect(readBlockdev(option)).toHaveProperty('node-name');
      else expect(() => readBlockdev(option)).toThrow(expect.objectContaining({ name: 'OptionError' }));
    });
  });
});
