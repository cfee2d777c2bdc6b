import { describe, expect, test } from 'vitest';
import { folderWith, qapiTs } from './command-line.js';

const good = "{ 'command': 'stop' }\n";
const bad = "{ 'struct': 'Disk',\n  'data': { 'size': 'sise',\n            'id': 'str', '*name': 'strr' } }\n";

/** What `--format json` says of files. */
async function json(args: readonly string[], files: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await qapiTs(['check', '--format', 'json', ...args], { cwd: folderWith(files) });
  expect(stderr).toBe('');
  return { code, ...(JSON.parse(stdout) as { files: { file: string; ok: boolean; diagnostics: object[] }[] }) };
}

describe('qapi-ts check', () => {
  test('reports that a good schema has no errors', async () => {
    const cwd = folderWith({ 'a.json': good });
    expect(await qapiTs(['check', 'a.json'], { cwd })).toEqual({ code: 0, stdout: 'a.json: ok\n', stderr: '' });
  });

  test('marks every culprit in its line', async () => {
    const { code, stdout } = await qapiTs(['check', 'bad.json'], { cwd: folderWith({ 'bad.json': bad }) });
    expect(code).toBe(1);
    expect(stdout).toMatchInlineSnapshot(`
      "error[QAPI4001]: member 'size' has the type 'sise', which is not defined
       --> bad.json:2:21 (in 'Disk', line 1)
        |
      2 |   'data': { 'size': 'sise',
        |                     ^^^^^^
        = did you mean 'size'?

      error[QAPI4001]: member 'name' has the type 'strr', which is not defined
       --> bad.json:3:35 (in 'Disk', line 1)
        |
      3 |             'id': 'str', '*name': 'strr' } }
        |                                   ^^^^^^
        = did you mean 'str'?

      bad.json: 2 errors
      "
    `);
  });

  test('prints diagnostics as JSON for tools', async () => {
    const { code, files } = await json(['bad.json'], { 'bad.json': bad });
    expect(code).toBe(1);
    expect(files).toMatchInlineSnapshot(`
      [
        {
          "diagnostics": [
            {
              "code": "QAPI4001",
              "column": 21,
              "definitionLine": 1,
              "endColumn": 27,
              "endLine": 2,
              "file": "bad.json",
              "hint": "did you mean 'size'?",
              "line": 2,
              "message": "member 'size' has the type 'sise', which is not defined",
              "severity": "error",
            },
            {
              "code": "QAPI4001",
              "column": 35,
              "definitionLine": 1,
              "endColumn": 41,
              "endLine": 3,
              "file": "bad.json",
              "hint": "did you mean 'str'?",
              "line": 3,
              "message": "member 'name' has the type 'strr', which is not defined",
              "severity": "error",
            },
          ],
          "file": "bad.json",
          "ok": false,
        },
      ]
    `);
  });

  test('prints diagnostics as annotations for GitHub', async () => {
    const { code, stdout } = await qapiTs(['check', '--format', 'github', 'bad.json'], {
      cwd: folderWith({ 'bad.json': bad }),
    });
    expect(code).toBe(1);
    expect(stdout.split('\n')[0]).toMatch(
      /^::error file=bad\.json,line=2,endLine=2,col=21,endColumn=27,title=QAPI4\d+::.*sise.*%0Adid you mean 'size'\?$/,
    );
  });

  test('checks each root by itself, and goes on after one that is wrong', async () => {
    const roots = { 'a.json': good, 'bad.json': bad, 'b.json': good };
    const { code, files } = await json(Object.keys(roots), roots);
    expect(code).toBe(1);
    expect(files.map(({ file, ok }) => [file, ok])).toEqual([
      ['a.json', true],
      ['bad.json', false],
      ['b.json', true],
    ]);
  });

  test('goes on after a file that is not there', async () => {
    const { code, files } = await json(['none.json', 'a.json'], { 'a.json': good });
    expect(code).toBe(1);
    expect(files[0]).toMatchObject({ ok: false, diagnostics: [{ file: 'none.json', line: 1, column: 1 }] });
    expect(files[1]).toEqual({ file: 'a.json', ok: true, diagnostics: [] });
  });

  test('succeeds when there are only warnings', async () => {
    const text = "##\n# @Disk:\n#\n# @nothing: is not there\n##\n{ 'struct': 'Disk', 'data': {} }\n";
    const { code, files } = await json(['a.json'], { 'a.json': text });
    expect(code).toBe(0);
    expect(files[0]).toMatchObject({ ok: true, diagnostics: [{ severity: 'warning', line: 4 }] });
    expect((await json(['--dialect', '9.0', 'a.json'], { 'a.json': text })).code).toBe(1);
  });

  test('follows includes, and names files as they were written', async () => {
    const files = { 'qapi/root.json': "{ 'include': 'sub/part.json' }\n", 'qapi/sub/part.json': bad };
    const result = await json(['qapi/root.json'], files);
    expect(result.files[0]).toMatchObject({
      file: 'qapi/root.json',
      diagnostics: [{ file: 'qapi/sub/part.json' }, {}],
    });
  });

  test('reads standard input, whose includes are beside it', async () => {
    const cwd = folderWith({ 'part.json': "{ 'enum': 'E', 'data': [] }\n" });
    const stdin = "{ 'include': 'part.json' }\n{ 'struct': 'S', 'data': { 'e': 'E', 'f': 'F' } }\n";
    const { code, stdout } = await qapiTs(['check', '-'], { cwd, stdin });
    expect(code).toBe(1);
    expect(stdout).toContain('--> <stdin>:2:');
    expect(stdout).toContain('<stdin>: 1 error\n');
  });

  test('checks the schema of the configuration, by its dialect, when none is named', async () => {
    const cwd = folderWith({
      'qapi-ts.config.json': '{ "schema": "qapi/root.json", "dialect": "2.8" }',
      'qapi/root.json': "{ 'union': 'U', 'data': { 'a': 'int' } }\n",
      'sub/other.json': "{ 'union': 'U', 'data': { 'a': 'int' } }\n",
    });
    expect(await qapiTs(['check'], { cwd })).toMatchObject({ code: 0, stdout: 'qapi/root.json: ok\n' });
    // It is about that schema only, and the command line wins.
    expect((await qapiTs(['check', '--dialect', '9.0'], { cwd })).code).toBe(1);
    expect((await qapiTs(['check', '--dialect', '9.0', 'sub/other.json'], { cwd })).code).toBe(1);
    expect(await qapiTs(['check'], { cwd: `${cwd}/sub` })).toMatchObject({ stdout: '../qapi/root.json: ok\n' });
  });

  test('explains how to name a schema when there is none', async () => {
    const { code, stderr } = await qapiTs(['check'], { cwd: folderWith({}) });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: there is no schema to read\nname one, or write a qapi-ts.config.json with { "schema": …, "output": … }\n',
    );
  });

  describe('colours', () => {
    const colours = async (isTTY: boolean, env: Record<string, string>): Promise<boolean> => {
      const { stdout } = await qapiTs(['check', 'bad.json'], { cwd: folderWith({ 'bad.json': bad }), isTTY, env });
      return stdout.includes('\u001b[');
    };

    test.each<[boolean, Record<string, string>, boolean]>([
      [true, {}, true],
      [false, {}, false],
      [true, { NO_COLOR: '1' }, false],
      [true, { NO_COLOR: '' }, true],
      [true, { TERM: 'dumb' }, false],
      [false, { FORCE_COLOR: '1' }, true],
      [true, { FORCE_COLOR: '0' }, false],
      [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ])('terminal %j, environment %j: %j', async (isTTY, env, expected) => {
      expect(await colours(isTTY, env)).toBe(expected);
    });
  });
});
