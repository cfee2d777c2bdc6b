import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { generate, incrementalGenerator } from '../../../generator/emit/generate.js';
import { incrementalWriter } from '../../../generator/emit/output/write.js';
import { incrementalLoader, loadSchema } from '../../../generator/schema/load.js';
import { memoryHost } from '../../../generator/syntax/host.js';

const folder = join(import.meta.dirname, '../../../qapi');
const names = ['authz.json', 'common.json', 'compat.json', 'crypto.json', 'job.json', 'machine.json', 'sockets.json'];
const originals = new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
const root = names.map((name) => `{ 'include': '${name}' }\n`).join('');

/** Changes of a module's text, by a number that says where or what. Not every one leaves it valid. */
const edits: readonly ((text: string, number: number) => string)[] = [
  (text, number) => without(text.split(/\n\n/), number).join('\n\n'),
  (text, number) => without(text.split(/\n(?=# @)/), number).join('\n'),
  (text, number) => without(text.split(/,(?= ?')/), number).join(','),
  (text, number) => `${text}\n{ 'struct': 'Added${number}', 'data': { 'a': 'str', '*b': [ 'OnOffAuto' ] } }\n`,
  (text, number) =>
    `${text}\n{ 'command': 'add-${number % 3}', 'data': 'Added${number % 3}', 'returns': 'SocketAddress' }\n`,
  (text, number) => replaceOne(text, /'\*/g, "'", number),
  (text, number) => replaceOne(text, /'str'/g, "[ 'str' ]", number),
  (text, number) => replaceOne(text, /'(?:OnOffAuto|JobType|QCrypto\w+)'/g, "'StrOrNull'", number),
  (text, number) => replaceOne(text, /@[\w-]+:/g, '@other:', number),
  (text, number) => `#${'\n'.repeat(number % 3)}\n${text}`,
];

function without<T>(parts: readonly T[], number: number): T[] {
  return parts.filter((_part, index) => index !== number % parts.length);
}

function replaceOne(text: string, pattern: RegExp, by: string, number: number): string {
  const found = [...text.matchAll(pattern)];
  const one = found[number % found.length];
  return one ? text.slice(0, one.index) + by + text.slice(one.index + one[0].length) : text;
}

const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ name: fc.constantFrom(...names), edit: fc.nat(edits.length - 1), number: fc.nat(999) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ name: fc.constantFrom(...names), edit: fc.constant(undefined), number: fc.constant(0) }),
  },
);

function facts({ diagnostics }: Awaited<ReturnType<typeof loadSchema>>): unknown {
  return diagnostics.map(({ name, severity, message, span, definition, related }) => [
    ...[name, severity, message, span?.file.path, span?.start, span?.end, definition?.name, definition?.span.start],
    related.map((one) => [one.message, one.span.file.path, one.span.start]),
  ]);
}

it('after any changes, what is generated again is what a run without memory generates', async () => {
  let valid = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 2, maxLength: 8 }), async (changes) => {
      const output = mkdtempSync(join(tmpdir(), 'qapi-ts-again-'));
      onTestFinished(() => rmSync(output, { recursive: true, force: true }));
      const again = { load: incrementalLoader(), emit: incrementalGenerator(), write: incrementalWriter() };
      const files = new Map(originals);
      for (const { name, edit, number } of changes) {
        const text = files.get(name) as string;
        files.set(name, edit === undefined ? (originals.get(name) as string) : (edits[edit]?.(text, number) ?? text));
        const options = { host: memoryHost({ 'root.json': root, ...Object.fromEntries(files) }), advice: false };
        const expected = await loadSchema('root.json', options);
        const loaded = await again.load('root.json', options);
        expect(facts(loaded)).toEqual(facts(expected));
        expect(loaded.schema === undefined).toBe(expected.schema === undefined);
        if (!loaded.schema || !expected.schema) continue;
        valid += 1;
        const made = generate(expected.schema);
        again.write(output, again.emit(loaded.schema));
        const written = readdirSync(output, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
        expect(written.length).toBe(made.length);
        for (const file of made) expect(readFileSync(join(output, file.path), 'utf8')).toBe(file.text);
      }
    }),
    { numRuns: 8 },
  );
  expect(valid).toBeGreaterThan(3);
}, 120_000);
