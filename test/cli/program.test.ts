import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { folderWith, qapiTs } from './command-line.js';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string;
};
const commands = ['generate', 'check', 'ir', 'introspect'];

describe('qapi-ts', () => {
  test.each([['--version'], ['-V']])('%s prints the version', async (...args) => {
    expect(await qapiTs(args)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test.each([['--help'], ['-h'], ['help']])('%s names every command, with examples', async (...args) => {
    const { code, stdout } = await qapiTs(args);
    expect(code).toBe(0);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} .* \\w`, 'm'));
    expect(stdout).toContain('Examples:\n  $ qapi-ts check');
  });

  test.each(commands)('help %s explains its options, with examples', async (command) => {
    const { code, stdout } = await qapiTs(['help', command]);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: qapi-ts ${command} [options]`);
    expect(stdout).toContain('--dialect <release>');
    expect(stdout).toContain(`Examples:\n  $ qapi-ts ${command}`);
    expect((await qapiTs([command, '--help'])).stdout).toBe(stdout);
  });

  test('prints the help as an error when there are no arguments', async () => {
    const { code, stdout, stderr } = await qapiTs([]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('Usage: qapi-ts');
  });

  test.each([
    [['chekc', 'a.json'], "unknown command 'chekc'", 'Did you mean check?'],
    [['check', '--fromat', 'json', 'a.json'], "unknown option '--fromat'", 'Did you mean --format?'],
    [['check', '--format', 'jsn', 'a.json'], "argument 'jsn' is invalid", "did you mean 'json'?"],
    [['check', '--format', 'xml', 'a.json'], "argument 'xml' is invalid", 'choose one of pretty, json, github'],
    [['check', '--dialect', '9.7', 'a.json'], "argument '9.7' is invalid", "there is no release '9.7'"],
    [['generate', '--int64', 'bigit'], "argument 'bigit' is invalid", "did you mean 'bigint'?"],
    [['generate', '--target', 'types,event'], "argument 'types,event' is invalid", "did you mean 'events'?"],
    [['generate', '--define', '1X'], "argument '1X' is invalid", 'write NAME, NAME=on or NAME=off'],
    [['generate', '--define', 'X=of'], "argument 'X=of' is invalid", 'choose one of on, off'],
    [['ir', 'a.json', 'b.json'], 'too many arguments', ''],
    [['introspect', '--dialect'], 'argument missing', ''],
    [['generate', 'a.json', '-o', 'out', '--check', '--watch'], '--check and --watch exclude each other', ''],
  ])('%j is refused: %s', async (args, message, advice) => {
    const { code, stdout, stderr } = await qapiTs(args, { cwd: folderWith({}) });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(advice);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).not.toContain('    at ');
  });

  test('reports an internal error as such, with how to file it', async () => {
    const stdin = new Readable({
      read() {
        this.destroy(new TypeError('cannot count'));
      },
    });
    const { code, stderr } = await qapiTs(['check', '-'], { stdin, cwd: folderWith({}) });
    expect(code).toBe(2);
    expect(stderr).toContain('internal error: cannot count');
    expect(stderr).toContain('Please report it');
    expect(stderr).not.toContain('    at ');
  });
});
