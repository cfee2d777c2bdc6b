import { describe, expect, it } from 'vitest';
import { loadSchema, memoryHost } from '../../../generator/index.js';
import { catalogue } from '../../../generator/text/catalogue/index.js';
import type { DiagnosticKind } from '../../../generator/text/diagnostic.js';

const kinds = Object.entries(catalogue) as [string, DiagnosticKind<never>][];

/** Problems whose examples are not texts of a schema: what they are examples of cannot be shown, or not in one line. */
const notSchemas: ReadonlySet<string> = new Set([
  'malformed-encoding',
  'nested-too-deeply',
  'newer-release',
  'unreadable-schema',
]);
const shown = kinds.filter(([name]) => !notSchemas.has(name));

/** What is found in a text. It is in a file of its own, unless it says in which, and has two others to include. */
async function namesIn(text: string, dialect = 'auto'): Promise<string[]> {
  const root = /^# in (\S+)/.exec(text)?.[1] ?? 'schema.json';
  const host = memoryHost({ 'block.json': '', 'common.json': '', [root]: text });
  const { diagnostics } = await loadSchema(root, { dialect, host, examples: true });
  return diagnostics.map(({ name }) => name);
}

describe.each(shown)('%s', (name, { example }) => {
  it('the wrong example gets this diagnostic', async () => {
    expect(await namesIn(example.wrong, example.dialect)).toContain(name);
  });

  it('the right example gets no diagnostic', async () => {
    expect(await namesIn(example.right, example.dialect)).toEqual([]);
  });
});

describe('codes', () => {
  it('no two diagnostics share a code', () => {
    const codes = kinds.map(([, { code }]) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });
});
