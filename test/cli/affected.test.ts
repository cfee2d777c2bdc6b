import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schemaOf, userProgram } from '../upgrade/marked-program.js';
import { qapiTs } from './command-line.js';

const old = "{ 'command': 'go', 'data': { 'x_far': 'str' } }\n{ 'command': 'halt' }\n";
const now = "{ 'command': 'go', 'data': { 'far': 'str' } }\n";
const source = `import type { Commands } from './generated/client.js';\r
export const go: Commands['go']['arguments'] = { x_far: '1' };\r
export type Halt = Commands['halt'];\r
`;

/** A program of few files, which needs no runtime. */
async function program(text = source) {
  const made = userProgram({ 'main.ts': text, 'old.json': old, 'new.json': now }, await schemaOf(old), [
    'types',
    'client',
  ]);
  onTestFinished(made.remove);
  const affected = (...args: string[]) =>
    qapiTs(['affected', '--old', 'old.json', '--new', 'new.json', ...args], { cwd: made.folder });
  return { folder: made.folder, affected };
}

describe('qapi-ts affected', () => {
  test('prints places for people, with what changes and what to do, and exits with 1', async () => {
    const { affected } = await program();
    const { code, stdout, stderr } = await affected();
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toBe(`main.ts
  2:50  breaks  sets the member [member-removed]
    GoArguments.x_far: member 'x_far' is gone; it was unstable
    = it is called 'far' now (--fix does it)
  3:29  breaks  uses the type [command-removed]
    halt: the command is gone
    = stop issuing it

2 places (2 break) in 1 file
`);
  });

  test('prints JSON for tools, and annotations for GitHub', async () => {
    const { affected } = await program();
    const { places } = JSON.parse((await affected('--format', 'json')).stdout);
    expect(places[0]).toEqual({
      file: 'main.ts',
      line: 2,
      column: 50,
      use: 'write',
      code: 'QAPI6203',
      kind: 'member-removed',
      severity: 'breaks',
      reason: "GoArguments.x_far: member 'x_far' is gone; it was unstable",
      remedy: "it is called 'far' now",
      fix: 'far',
    });
    const { stdout } = await affected('--format', 'github');
    expect(stdout.split('\n')[1]).toBe(
      '::error file=main.ts,line=3,col=29,title=QAPI6102 command-removed::halt: the command is gone%0Astop issuing it',
    );
  });

  test('--fix changes the file and nothing else in it, and reports what is left', async () => {
    const { affected, folder } = await program();
    const { code, stdout } = await affected('--fix');
    expect(code).toBe(1);
    expect(stdout).toMatch(/changed main\.ts: 1 place\n1 place \(1 breaks\) in 1 file\n$/);
    expect(readFileSync(join(folder, 'main.ts'), 'utf8')).toBe(source.replace('x_far', 'far'));
  });

  test('--fix keeps the mark at the beginning of a file, and refuses what is not UTF-8', async () => {
    const { affected, folder } = await program(`\ufeff${source}`);
    await affected('--fix');
    expect(readFileSync(join(folder, 'main.ts'), 'utf8')).toBe(`\ufeff${source.replace('x_far', 'far')}`);
    const bytes = Buffer.concat([Buffer.from(source), Buffer.from([0x2f, 0x2f, 0xff])]);
    writeFileSync(join(folder, 'main.ts'), bytes);
    expect((await affected('--fix')).stderr).toBe('error: main.ts is not UTF-8\n');
    expect(readFileSync(join(folder, 'main.ts'))).toEqual(bytes);
  });

  test('exits with 0 when nothing is affected', async () => {
    const { affected } = await program(
      "import type { Commands } from './generated/client.js';\nexport type C = Commands;\n",
    );
    expect(await affected()).toEqual({ code: 0, stdout: 'no place in 1 file\n', stderr: '' });
  });

  test('names what is missing: the project, generated code, a schema', async () => {
    const { affected, folder } = await program();
    expect((await affected('-p', 'other.json')).stderr).toBe(
      'error: there is no other.json\nname the tsconfig.json of the program with -p\n',
    );
    writeFileSync(join(folder, 'broken.json'), '{ "extends": "./nowhere.json" }');
    const broken = await affected('-p', 'broken.json');
    expect({ code: broken.code, stderr: broken.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('error: broken.json cannot be used'),
    });
    writeFileSync(join(folder, 'tsconfig.json'), '{ "files": ["alone.ts"] }');
    writeFileSync(join(folder, 'alone.ts'), 'export const one = 1;\n');
    expect((await affected()).stderr).toContain('uses no code that was generated from old.json');
  });
});
