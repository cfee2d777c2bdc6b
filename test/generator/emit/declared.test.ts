import { beforeAll, expect, test } from 'vitest';
import { generate } from '../../../generator/emit/generate.js';
import { stringLiteral } from '../../../generator/emit/identifier.js';
import type { Definition, Feature, Module, Schema } from '../../../generator/schema/model.js';
import { corpusPath, describeWithCorpus } from '../../corpus.js';
import { type Declarations, type DeclaredComment, declarationsIn } from '../../declarations.js';
import { schemaAt } from './fixture.js';

describeWithCorpus('what is generated for QEMU 10.1 declares', 'releases/10.1', () => {
  let schema: Schema;
  /** Of each generated file, by path. */
  const declared = new Map<string, Declarations>();

  beforeAll(async () => {
    schema = await schemaAt(corpusPath('releases/10.1/qapi/qapi-schema.json'));
    for (const { path, text } of generate(schema)) declared.set(path, declarationsIn(text));
  }, 120_000);

  /** The definitions of some kind that a module wrote itself, with what the file for it declares. */
  function* written<K extends Definition['kind']>(
    kind: K,
    file: string,
  ): Iterable<[definition: Extract<Definition, { kind: K }>, declarations: Declarations]> {
    for (const module of schema.modules) {
      for (const definition of module.definitions) {
        if (definition.kind !== kind || definition.implicit) continue;
        yield [definition as Extract<Definition, { kind: K }>, of(module, file)];
      }
    }
  }

  function of(module: Module, file: string): Declarations {
    const path = `${module.name.replace(/\.json$/, '')}/${file}.ts`;
    const found = declared.get(path);
    if (!found) throw new Error(`no ${path} among ${[...declared.keys()].join(', ')}`);
    return found;
  }

  test('every struct with its members, optional as the schema says', () => {
    let count = 0;
    for (const [struct, { interfaces, aliases }] of written('struct', 'types')) {
      if (struct.members.length === 0 && !struct.base) {
        expect(aliases.get(struct.name)?.type).toBe('Record<string, never>');
        continue;
      }
      const found = interfaces.get(declaredName(struct.name));
      expect(shape(found?.members.values() ?? []), struct.name).toEqual(shape(struct.members));
      expect(found?.bases).toEqual(struct.base ? [struct.base.name] : []);
      count += struct.members.length;
    }
    expect(count).toBeGreaterThan(1000);
  });

  test('the comment of every member: its text, since when it exists, and whether one may rely on it', () => {
    let count = 0;
    for (const [struct, { interfaces }] of written('struct', 'types')) {
      for (const member of struct.members) {
        const comment = interfaces.get(declaredName(struct.name))?.members.get(member.name)?.comment;
        const text = struct.doc?.arguments.find(({ name }) => name === member.name)?.text;
        expectComment(comment, { ...member, text }, `${struct.name}.${member.name}`);
        count++;
      }
    }
    expect(count).toBeGreaterThan(1000);
  });

  test('every enum with its values, as a type and as a list', () => {
    for (const [enumeration, { aliases, exported }] of written('enum', 'types')) {
      const values = enumeration.members.map(({ name }) => stringLiteral(name));
      expect(aliases.get(enumeration.name)?.type).toBe(values.join(' | '));
      expect(exported).toContain(enumeration.name);
    }
  });

  test('every union as its branches, each with its one value of the tag', () => {
    for (const [union, { aliases, interfaces }] of written('union', 'types')) {
      const names = aliases.get(union.name)?.type.split(' | ') ?? [];
      expect(names).toHaveLength(union.branches.length);
      for (const [index, branch] of union.branches.entries()) {
        const type = interfaces.get(names[index] as string)?.members.get(union.tag.name)?.type;
        const text = type ?? aliases.get(names[index] as string)?.type;
        expect(text, names[index]).toContain(stringLiteral(branch.name));
      }
    }
  });

  test.each([
    ['command', 'Commands'],
    ['event', 'Events'],
  ] as const)('every %s under its name, with its comment', (kind, name) => {
    for (const module of schema.modules) {
      const names = module.definitions.filter((definition) => definition.kind === kind).map(({ name }) => name);
      if (names.length > 0)
        expect([...(of(module, 'client').interfaces.get(name)?.members.keys() ?? [])]).toEqual(names);
    }
    for (const [definition, { interfaces }] of written(kind, 'client')) {
      const comment = interfaces.get(name)?.members.get(definition.name)?.comment;
      expectComment(comment, { ...definition, text: definition.doc?.body }, definition.name);
      const since = definition.doc?.sections.find(({ tag }) => tag?.toLowerCase() === 'since')?.text;
      expect(tag(comment, 'since'), definition.name).toBe(since?.trim());
    }
  });

  test('the comment of every type', () => {
    for (const kind of ['struct', 'union', 'enum', 'alternate'] as const) {
      for (const [type, { interfaces, aliases }] of written(kind, 'types')) {
        const comment = (interfaces.get(declaredName(type.name)) ?? aliases.get(type.name))?.comment;
        expectComment(comment, { ...type, text: type.doc?.body }, type.name);
      }
    }
  });
});

/** Of this release's types, `String` alone would hide a global. */
function declaredName(name: string): string {
  return name === 'String' ? 'String_' : name;
}

function shape(members: Iterable<{ readonly name: string; readonly optional: boolean }>): [string, boolean][] {
  return [...members].map(({ name, optional }) => [name, optional]);
}

interface Described {
  readonly name: string;
  readonly features: readonly Feature[];
  /** What the schema says about it. */
  readonly text: string | undefined;
}

/** A comment begins with the words of the documentation; its tags are those of what it describes. */
function expectComment(comment: DeclaredComment | undefined, { name, features, text }: Described, place: string): void {
  const [, described = '', since] = /^(.*?)(?:\(since:? ([\d.]+)\)\.?)?\s*$/is.exec(text ?? '') ?? [];
  const expected = words(described);
  expect(words(comment?.text ?? '').slice(0, expected.length), place).toEqual(expected);
  if (since !== undefined) expect(tag(comment, 'since'), place).toBe(since);
  const has = (feature: string): boolean => features.some((candidate) => candidate.name === feature);
  expect(tag(comment, 'deprecated') !== undefined, place).toBe(has('deprecated'));
  expect(tag(comment, 'experimental') !== undefined, place).toBe(has('unstable') || name.startsWith('x-'));
}

function tag(comment: DeclaredComment | undefined, wanted: string): string | undefined {
  return comment?.tags.find(({ name }) => name === wanted)?.text;
}

/** The words of a text, whatever marks it up: roles, directives and links are more than words. */
function words(text: string): readonly string[] {
  const plain = text
    .replace(/\{@link (?:\S+ \| )?([^}]+)\}/g, '$1')
    // An example is a tag of its own.
    .replace(/\.\. qmp-example::.*$/s, '')
    .replace(/:[\w:-]+:(?=`)/g, '')
    .replace(/`~/g, '`');
  return plain.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}
