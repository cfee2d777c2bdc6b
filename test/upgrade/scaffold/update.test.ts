import fc from 'fast-check';
import { ts } from 'ts-morph';
import { describe, expect, test } from 'vitest';
import type { Command } from '../../../generator/schema/model.js';
import { findHolder, handlersOf } from '../../../upgrade/scaffold/handlers-object.js';
import { newHandlers } from '../../../upgrade/scaffold/skeleton.js';
import { goneMark, type UpdatedHandlers, updateHandlers } from '../../../upgrade/scaffold/update.js';
import { schemaOf } from '../marked-program.js';

const imports = { generated: './generated/index.js', runtime: 'qapi-ts/runtime' };

async function commandsOf(text: string): Promise<Command[]> {
  const { definitions } = await schemaOf(text);
  return definitions.filter((definition): definition is Command => definition.kind === 'command');
}

/** The commands of some names. */
const commandsNamed = (names: readonly string[]): Promise<Command[]> =>
  commandsOf(
    names
      .map((name) => `##\n# @${name}:\n#\n# Does ${name}.\n##\n{ 'command': '${name}', 'data': { 'a': 'str' } }\n`)
      .join(''),
  );

const update = (text: string, commands: readonly Command[]): UpdatedHandlers =>
  updateHandlers(ts, text, commands, ['quit'], imports);

describe('newHandlers', () => {
  test('writes a handler for each command, with its documentation and that of its arguments', async () => {
    const commands = await commandsOf(`
##
# @disk-add:
#
# Adds a disk */ here.
#
# @name: its name
#
# Since: 2.0
##
{ 'command': 'disk-add', 'data': { 'name': 'str' } }
{ 'command': 'halt' }
`);
    expect(newHandlers(commands, imports)).toBe(`import { QmpError, type ServerHandlers } from 'qapi-ts/runtime';
import type { CommandHandlers } from './generated/index.js';

/** What the commands of the schema do. */
export const handlers: ServerHandlers<CommandHandlers> = {
  /**
   * Adds a disk *\\/ here.
   *
   * - \`name\`: its name
   *
   * @since 2.0
   */
  'disk-add'(_args) {
    // TODO(qapi-ts): not implemented
    throw new QmpError('disk-add is not implemented');
  },

  halt() {
    // TODO(qapi-ts): not implemented
    throw new QmpError('halt is not implemented');
  },
};
`);
  });
});

describe('updateHandlers', () => {
  test('adds what is new behind the last handler, and marks what is gone', async () => {
    const text = `import type { CommandHandlers } from './generated/index.js';
const h = {
	one: () => go(), // mine
	two() {}
	// the end
} satisfies Partial<CommandHandlers>;
`;
    const { text: updated, added, gone } = update(text, await commandsNamed(['two', 'three']));
    expect({ added, gone }).toEqual({ added: ['three'], gone: ['one'] });
    expect(updated).toBe(
      `import type { CommandHandlers } from './generated/index.js';
import { QmpError } from 'qapi-ts/runtime';
const h = {
	${goneMark('one')}
	one: () => go(), // mine
	two() {},
	// the end

	/**
	 * Does three.
	 */
	three(_args) {
		// TODO(qapi-ts): not implemented
		throw new QmpError('three is not implemented');
	},
} satisfies Partial<CommandHandlers>;
`.replace('\t/**\n\t * Does three.\n\t */', '\t/** Does three. */'),
    );
  });

  test.each([
    ['an object on one line', "import {QmpError} from 'qapi-ts/runtime';const h: CommandHandlers = {a(){}}"],
    ['an empty object', 'const h: CommandHandlers = {};\n'],
    ['the result of a function', 'function make(): CommandHandlers {\n  return {\n    a() {},\n  };\n}\n'],
    ['a class', 'class H implements CommandHandlers {\n  #x = 1;\n  a() { return this.#x; }\n}\n'],
    ['an object that spreads another', 'const b = { b() {} };\nconst h: CommandHandlers = { ...b, a() {} };\n'],
    ['an object without a type', 'export default { helper: 1, handlers: { a() {}, quit() {} } };\n'],
  ])('updates %s', async (what, text) => {
    const { text: updated, added } = update(text, await commandsNamed(['a', 'b', 'c']));
    const expected = what.includes('spreads') ? ['c'] : what.includes('empty') ? ['a', 'b', 'c'] : ['b', 'c'];
    expect(added).toEqual(expected);
    expect(update(updated, await commandsNamed(['a', 'b', 'c'])).text).toBe(updated);
    expect(updated).toMatch(/QmpError ?}/);
  });

  test('leaves what an imported object brings in charge', async () => {
    const text = "import { mine } from './mine.js';\nconst h: CommandHandlers = {\n  ...mine,\n};\n";
    const { text: updated } = update(text, await commandsNamed(['a']));
    expect(updated.indexOf('a(_args)')).toBeLessThan(updated.indexOf('...mine'));
  });

  test.each([
    ['const h: CommandHandlers = {', /^line 1 is no TypeScript/],
    ['export const x = 1;', /^it has no object of the type CommandHandlers$/],
  ])('refuses %j', async (text, message) => {
    const commands = await commandsNamed(['a']);
    expect(() => update(text, commands)).toThrow(message);
  });

  const names = fc.uniqueArray(fc.constantFrom('go', 'x-stop', 'query-a', 'd', 'constructor', 'eject', 'blk_b'), {
    minLength: 1,
  });
  /** What users do to a handler. */
  const edits = fc.array(
    fc.record({
      body: fc.constantFrom('{ return done(); }', '{\n    /* } */ return "}";\n  }', '{}', '{ // TODO\n  }'),
      lead: fc.constantFrom('', '/* mine */ ', '// note\n  ', '/** doc */\n\n  ', "// don't }\n\t", '/* a\n  b */ '),
      form: fc.constantFrom('method', 'arrow', 'async', 'quoted'),
      rank: fc.nat(100),
    }),
    { minLength: 7, maxLength: 7 },
  );

  test('keeps every byte that a user wrote, whatever the schema becomes', async () => {
    const property = fc.asyncProperty(
      names,
      names,
      edits,
      fc.boolean(),
      fc.boolean(),
      async (before, after, changes, crlf, comma) => {
        const written = before
          .map((name, index) => ({ name, ...(changes[index] as (typeof changes)[number]) }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ name, body, lead, form }) => {
            const key = /^\w+$/.test(name) && form !== 'quoted' ? name : `"${name}"`;
            return `${lead}${form === 'async' ? 'async ' : ''}${key}${form === 'arrow' ? ': () => (' : '()'} ${form === 'arrow' ? '1)' : body}`;
          });
        const source = `// é\nexport const h: CommandHandlers = {\n  ${written.join(',\n\n  ')}${comma ? ',' : ''}\n  // last\n};\nrest();\n`;
        const text = crlf ? source.replaceAll('\n', '\r\n') : source;
        const [old, now] = [await commandsNamed(before), await commandsNamed(after)];
        const there = update(text, now);
        // Without what was added, all is as it was.
        let at = 0;
        for (const piece of text.split(/(?<=\n)/)) {
          const found = there.text.indexOf(piece.trim(), at);
          expect(found).toBeGreaterThanOrEqual(at);
          at = found + piece.trim().length;
        }
        const holder = findHolder(
          ts,
          ts.createSourceFile('h.ts', there.text, ts.ScriptTarget.Latest, true),
          new Set(after),
        );
        const present = holder ? handlersOf(ts, holder).map(({ name }) => name) : [];
        expect([...present].sort()).toEqual([...new Set([...before, ...after])].sort());
        expect(/[^\r]\n/.test(there.text)).toBe(!crlf);
        expect(update(there.text, now).text).toBe(there.text);
        for (const name of before) expect(there.text.includes(goneMark(name))).toBe(!after.includes(name));
        const back = update(there.text, old).text;
        for (const name of before) expect(back).not.toContain(goneMark(name));
        // What is only marked and not added leaves no trace when it comes back.
        if (after.every((name) => before.includes(name))) expect(back).toBe(text);
      },
    );
    await fc.assert(property, { numRuns: 150, seed: 11 });
  });
});
