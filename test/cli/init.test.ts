import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { schemaOf, userProgram } from '../upgrade/marked-program.js';
import { folderWith, qapiTs } from './command-line.js';

const schema = "{ 'command': 'halt' }\n";

/** Standard input of a person at a terminal. */
function typed(...lines: string[]): Readable {
  return Object.assign(Readable.from(lines.map((line) => Buffer.from(`${line}\n`))), { isTTY: true });
}

const textIn = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');

describe('qapi-ts init', () => {
  test('--yes writes a configuration, a package.json with a script, and a program that compiles', async () => {
    const program = userProgram({ 'qapi-schema.json': schema }, await schemaOf(schema));
    const cwd = program.folder;
    try {
      const ran = await qapiTs(['init', '--yes', '--output', 'generated', '--program', 'main.ts'], { cwd });
      expect(ran).toEqual({
        code: 0,
        stdout:
          'qapi-ts.config.json: written\npackage.json: changed\nmain.ts: written\nNext: npm install qapi-ts && npm run generate\n',
        stderr: '',
      });
      expect(JSON.parse(textIn(cwd, 'qapi-ts.config.json'))).toEqual({
        schema: 'qapi-schema.json',
        output: 'generated',
      });
      expect(JSON.parse(textIn(cwd, 'package.json'))).toEqual({
        type: 'module',
        scripts: { generate: 'qapi-ts generate' },
      });
      expect((await qapiTs(['generate'], { cwd })).code).toBe(0);
      expect(program.complaints()).toEqual([]);
    } finally {
      program.remove();
    }
  });

  test('asks three questions, and asks again for what cannot be', async () => {
    const cwd = folderWith({ 'mine.json': schema });
    const stdin = typed('other.json', 'mine.json', 'lib/made', '');
    const { code, stdout } = await qapiTs(['init'], { cwd, stdin, isTTY: true });
    expect(code).toBe(0);
    expect(stdout.match(/\?/g)).toHaveLength(4);
    expect(stdout).toContain('there is no file other.json\n');
    expect(JSON.parse(textIn(cwd, 'qapi-ts.config.json'))).toEqual({ schema: 'mine.json', output: 'lib/made' });
    expect(textIn(cwd, 'src/main.ts')).toContain("from '../lib/made/client.js'");
  });

  test('writes nothing when the questions are not answered, or there is no terminal', async () => {
    const cwd = folderWith({ 'qapi-schema.json': schema });
    const stopped = await qapiTs(['init'], { cwd, stdin: typed(''), isTTY: true });
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toMatch(/^error: the input has ended before all questions were answered/);
    const piped = await qapiTs(['init'], { cwd });
    expect({ code: piped.code, stderr: piped.stderr }).toEqual({
      code: 1,
      stderr:
        'error: there is no terminal to ask three questions at\n' +
        'give --yes to take the defaults, or --from, --output and --program\n',
    });
    expect(readdirSync(cwd)).toEqual(['qapi-schema.json']);
  });

  test('overwrites nothing: what is there is left as it is', async () => {
    const files = {
      'qapi-schema.json': schema,
      'qapi-ts.config.ts': 'export default {};\n',
      'src/main.ts': 'mine();\n',
      'package.json':
        '{\r\n\t"name": "x", "files": ["a", "b"],\r\n\t"scripts": {\r\n\t\t"generate": "other", "x": ""\r\n\t}\r\n}',
    };
    const cwd = folderWith(files);
    const first = await qapiTs(['init', '-y'], { cwd });
    expect(first.stdout).toBe(
      'package.json: changed\nqapi-ts.config.ts: left as it is\nsrc/main.ts: left as it is\n' +
        'Next: npm install qapi-ts && npm run generate:qapi\n' +
        'The program is an ES module: package.json needs "type": "module"\n',
    );
    expect(textIn(cwd, 'package.json')).toBe(
      files['package.json'].replace('{\r\n\t\t"gen', '{\r\n\t\t"generate:qapi": "qapi-ts generate",\r\n\t\t"gen'),
    );
    expect(textIn(cwd, 'src/main.ts')).toBe('mine();\n');
    const before = textIn(cwd, 'package.json');
    expect((await qapiTs(['init', '-y'], { cwd })).stdout).toContain('package.json: left as it is\n');
    expect(textIn(cwd, 'package.json')).toBe(before);
    expect(existsSync(join(cwd, 'qapi-ts.config.json'))).toBe(false);
  });

  test.each([
    ['{}', { scripts: { generate: 'qapi-ts generate' } }],
    ['{"scripts":{}}', { scripts: { generate: 'qapi-ts generate' } }],
    ['{"a":{"scripts":{"x":"y"}}}', { a: { scripts: { x: 'y' } }, scripts: { generate: 'qapi-ts generate' } }],
  ])('adds its script to the package.json %s', async (text, value) => {
    const cwd = folderWith({ 'qapi-schema.json': schema, 'package.json': text });
    expect((await qapiTs(['init', '-y'], { cwd })).code).toBe(0);
    expect(JSON.parse(textIn(cwd, 'package.json'))).toEqual(value);
  });

  test('reports a package.json that it cannot add to, and writes nothing', async () => {
    const cwd = folderWith({ 'qapi-schema.json': schema });
    for (const [text, complaint] of [
      ['{', 'error: package.json is no JSON: '],
      ['[]', 'error: package.json is no object\n'],
      ['{"scripts":1}', 'error: package.json has scripts that are no object\n'],
    ] as const) {
      writeFileSync(join(cwd, 'package.json'), text);
      const { code, stderr } = await qapiTs(['init', '-y'], { cwd });
      expect(code).toBe(1);
      expect(stderr.startsWith(complaint)).toBe(true);
      expect(readdirSync(cwd).sort()).toEqual(['package.json', 'qapi-schema.json']);
    }
  });

  test('leaves a package.json that is not UTF-8 alone', async () => {
    const cwd = folderWith({ 'qapi-schema.json': schema });
    const bytes = Buffer.concat([Buffer.from('{ "author": "J'), Buffer.from([0xf6]), Buffer.from('rg" }\n')]);
    writeFileSync(join(cwd, 'package.json'), bytes);
    expect(await qapiTs(['init', '-y'], { cwd })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: package.json is not UTF-8\n',
    });
    expect(readFileSync(join(cwd, 'package.json'))).toEqual(bytes);
    expect(readdirSync(cwd).sort()).toEqual(['package.json', 'qapi-schema.json']);
  });

  test('a program that is started gives a script with --from, and a program that starts it', async () => {
    const cwd = folderWith({});
    const from = "exec:qemu-system-x86_64 -machine 'none'";
    await qapiTs(['init', '-y', '--from', from], { cwd });
    expect(JSON.parse(textIn(cwd, 'package.json')).scripts.generate).toBe(`qapi-ts generate --from "${from}"`);
    expect(JSON.parse(textIn(cwd, 'qapi-ts.config.json'))).toEqual({ output: 'src/generated' });
    expect(textIn(cwd, 'src/main.ts')).toContain(
      "await spawnQemu<Schema>({ program: 'qemu-system-x86_64', args: ['-machine', 'none', '-display', 'none'] });",
    );
  });
});
