import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { absences } from '../../docs/print/absences.js';
import { type Change, compareSchemas } from '../../generator/index.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { load, ownDefinitions, ownSchema } from './schemas.js';
import { commentedSince, documentedSince } from './since.js';

/** The commands and events that some modules of a release define. */
function namesIn(files: readonly string[]): Set<string> {
  const texts = files.map((file) => readFileSync(corpusPath('releases', file), 'utf8'));
  return new Set(
    Array.from(texts.join('\n').matchAll(/'(?:command|event)'\s*:\s*'([^']+)'/g), ([, name = '']) => name),
  );
}

/** The modules that hold the block half of a release of today. */
const todaysModules = ['block-core', 'block', 'block-export', 'job', 'transaction'].map((name) => `qapi/${name}.json`);

const line = ({ entities, kind, path, message }: Change): string => `${entities.join()} ${kind} ${path} ${message}`;

describeWithCorpus('the schema holds both ends', 'releases', () => {
  it.each([
    ['2.8', '2.8-dev', 'qapi-schema.json', ['qapi/block-core.json', 'qapi/block.json']],
    ['10.1', '10.1', 'qapi/qapi-schema.json', todaysModules],
    ['11.1', '11.1', 'qapi/qapi-schema.json', todaysModules],
  ])(
    'a client of the block half of %s finds all that is not listed as missing',
    async (era, release, root, modules) => {
      const ours = await load(ownSchema, '10.1');
      const names = namesIn(modules.map((file) => `${release}/${file}`));
      expect(names.size).toBeGreaterThan(40);
      const missing = compareSchemas(await load(corpusPath('releases', release, root), 'auto'), ours).filter(
        ({ severity, kind, entities }) =>
          (severity === 'breaks' || kind.endsWith('-removed')) &&
          entities.some((name) => names.has(name) || ours.lookup(name) !== undefined),
      );
      const found = missing.map(line);
      const known = absences.filter(({ releases }) => releases.includes(era)).map(({ pattern }) => pattern);
      expect(found.filter((text) => !known.some((pattern) => pattern.test(text)))).toEqual([]);
      const stale = known.filter((pattern) => !found.some((text) => pattern.test(text)));
      expect(stale.map(String)).toEqual([]);
    },
  );

  it('names the releases that brought what is still the same as in 2016', async () => {
    const ours = await load(ownSchema, '10.1');
    const theirs = await load(corpusPath('releases/2.8-dev/qapi-schema.json'), '2.8');
    for (const definition of ownDefinitions(theirs)) {
      const own = ours.lookup(definition.name);
      if (definition.module.name !== 'qapi/block-core.json' || own === undefined) continue;
      const [then, now] = [commentedSince(definition), documentedSince(own)];
      expect([definition.name, now.definition]).toEqual([definition.name, then.definition ?? now.definition]);
      for (const [member, since] of Object.entries(now.members)) {
        expect([definition.name, member, since]).toEqual([definition.name, member, then.members[member] ?? since]);
      }
    }
  });
});
