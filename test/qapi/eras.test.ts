import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
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

/** What clients of a release may not find here, by what the change says, and why. */
type Exceptions = readonly (readonly [pattern: RegExp, why: string])[];

const always: Exceptions = [
  [/^query-(tpm|cpus-fast) /, 'the lists are empty: this server has neither processors nor trusted platform modules'],
];

const of2016: Exceptions = [
  [
    /^blockdev-add (mandatory-member-added arguments.driver|member-removed arguments.options)/,
    'the older form is read',
  ],
  [/^object-add /, 'the older form, with props, is read; what a type demands, it demanded in 2016, too'],
];

const today: Exceptions = [
  [/ preconfig-lost /, 'there is no time before the machine is complete: every command may be sent at once'],
  [/^object-add branch-removed arguments.qom-type/, 'objects of guests, networks and other libraries'],
  [/^(query-pr-managers|PR_MANAGER_STATUS_CHANGED) /, 'persistent reservations need a helper of the host'],
];

const of101: Exceptions = [
  ...today,
  [
    /^blockdev-add,blockdev-create.* branch-removed arguments.*server\[\].type/,
    'Gluster is reached by TCP and unix sockets; QEMU refuses the other kinds, too',
  ],
];

/** The modules that hold the block half of a release of today. */
const todaysModules = ['block-core', 'block', 'block-export', 'job', 'transaction'].map((name) => `qapi/${name}.json`);

const line = ({ entities, kind, path, message }: Change): string => `${entities.join()} ${kind} ${path} ${message}`;

describeWithCorpus('the schema holds both ends', 'releases', () => {
  it.each([
    ['2.8-dev', 'qapi-schema.json', ['qapi/block-core.json', 'qapi/block.json'], of2016],
    ['10.1', 'qapi/qapi-schema.json', todaysModules, of101],
    ['11.1', 'qapi/qapi-schema.json', todaysModules, today],
  ])('a client of the block half of %s finds all that it sends and relies on', async (release, root, modules, more) => {
    const ours = await load(ownSchema, '10.1');
    const names = namesIn(modules.map((file) => `${release}/${file}`));
    expect(names.size).toBeGreaterThan(40);
    const breaking = compareSchemas(await load(corpusPath('releases', release, root), 'auto'), ours).filter(
      ({ severity, entities }) =>
        severity === 'breaks' && entities.some((name) => names.has(name) || ours.lookup(name) !== undefined),
    );
    const exceptions = [...always, ...more];
    const found = breaking.map(line);
    expect(found.filter((text) => !exceptions.some(([pattern]) => pattern.test(text)))).toEqual([]);
    for (const [pattern] of more)
      expect(
        found.some((text) => pattern.test(text)),
        String(pattern),
      ).toBe(true);
  });

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
