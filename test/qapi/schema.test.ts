import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSchema } from '../../generator/index.js';
import type { Definition, ObjectType } from '../../generator/schema/model.js';
import { describedNames } from './described-names.js';
import { load, ownDefinitions, ownSchema } from './schemas.js';
import { documentedSince } from './since.js';

describe("the project's own schema", () => {
  it.each(['10.1', 'auto'])('leaves nothing to complain about under %s, documentation included', async (dialect) => {
    const { diagnostics } = await loadSchema(ownSchema, { dialect });
    // Its lines of documentation are up to 90 columns wide, which releases before 10.2 take.
    expect(diagnostics.filter(({ name }) => name !== 'long-documentation-line')).toEqual([]);
  });

  it('says of every definition what it is and which release brought it', async () => {
    for (const definition of ownDefinitions(await load(ownSchema, '10.1'))) {
      expect(definition.doc?.body, definition.name).toMatch(/\w/);
      expect(documentedSince(definition).definition, definition.name).toMatch(/^\d+\.\d+(\.\d+)?$/);
    }
  });

  it('refers only to definitions and members that exist', async () => {
    const schema = await load(ownSchema, '10.1');
    for (const definition of ownDefinitions(schema)) {
      const text = documentation(definition);
      const members = memberNames(definition);
      for (const [, name = ''] of text.matchAll(/(?<!`)`([^`]+)`(?!`)/g)) {
        expect(schema.lookup(name), `${definition.name} refers to ${name}`).toBeDefined();
      }
      for (const [, name] of text.matchAll(/@([\w-]+)/g)) expect(members, definition.name).toContain(name);
    }
  });

  it('fits 90 columns', () => {
    const folder = dirname(ownSchema);
    for (const name of readdirSync(folder)) {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n');
      expect(
        lines.filter((line) => line.length > 90),
        name,
      ).toEqual([]);
    }
  });
});

function documentation({ doc }: Definition): string {
  const parts = [...(doc?.arguments ?? []), ...(doc?.features ?? []), ...(doc?.sections ?? [])];
  return [doc?.body, ...parts.map(({ text }) => text)].join('\n');
}

/** What `@NAME` can mean in the documentation of a definition. */
function memberNames(definition: Definition): string[] {
  const isEntity = definition.kind === 'command' || definition.kind === 'event';
  const type = isEntity ? definition.arguments : definition;
  return [...describedNames(definition), ...(type?.kind === 'struct' ? objectMembers(type) : [])];
}

function objectMembers(type: ObjectType): string[] {
  return [...(type.base ? objectMembers(type.base) : []), ...type.members.map(({ name }) => name)];
}
