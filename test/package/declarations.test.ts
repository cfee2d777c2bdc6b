import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { declarationsBehind } from '../../build/declarations.mjs';

/** What is left of files with declarations, of which `index.d.ts` is the door. */
function behind(files: Readonly<Record<string, string>>): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-declarations-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const texts = declarationsBehind([join(folder, 'index.d.ts')]);
  return Object.fromEntries([...texts].map(([path, text]) => [path.slice(folder.length + 1), text]));
}

test('declarations that the door leads to are left, with their comments and what they mention', () => {
  expect(
    behind({
      'index.d.ts': `/** The door. */
export { open, type Options, } from './open.js';
export * from './kinds.js';
`,
      'open.d.ts': `import type { Hidden, Mode } from './mode.js';
import type { Unrelated } from './unrelated.js';
/** How to open. */
export interface Options {
    /**
     * In which way.
     *
     *     indented
     */
    mode: Mode;
    other: import("./other.js").Other;
}
/** Opens. */
export declare function open(options: Options): typeof secret;
/** Mentioned only. */
declare const secret: unique symbol;
/** For others. */
export declare function close(hidden: Hidden): Unrelated;
`,
      'mode.d.ts': `export type Mode = 'a' | 'b';
/** Not behind the door. */
export type Hidden = 'c';
`,
      'other.d.ts': 'export interface Other {\n    other: string;\n}\nexport interface Unused {\n}\n',
      'kinds.d.ts': "export * from './more.js';\nexport { Kept, type Options } from './between.js';\n",
      'between.d.ts':
        "export { Kept } from './more.js';\nexport type { Options } from './open.js';\nexport * from './nothing.js';\n",
      'more.d.ts': 'export declare class Kept {\n    #private;\n}\n',
      'nothing.d.ts': 'export {};\n',
      'unrelated.d.ts': 'export type Unrelated = 1;\n',
    }),
  ).toEqual({
    'index.d.ts': `/** The door. */
export { open, type Options } from './open.js';
export * from './kinds.js';
`,
    'open.d.ts': `import type { Mode } from './mode.js';
/** How to open. */
export interface Options {
\t/**
\t * In which way.
\t *
\t *     indented
\t */
\tmode: Mode;
\tother: import("./other.js").Other;
}
/** Opens. */
export declare function open(options: Options): typeof secret;
/** Mentioned only. */
declare const secret: unique symbol;
`,
    'mode.d.ts': "export type Mode = 'a' | 'b';\n",
    'other.d.ts': 'export interface Other {\n\tother: string;\n}\n',
    'kinds.d.ts': "export * from './more.js';\nexport { Kept, type Options } from './between.js';\n",
    'between.d.ts': "export { Kept } from './more.js';\nexport type { Options } from './open.js';\n",
    'more.d.ts': 'export declare class Kept {\n\t#private;\n}\n',
  });
});
