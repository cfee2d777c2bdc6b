import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { wholeProgram } from '../../../cli/program.js';
import { manualPage } from '../../../docs/print/manual.js';
import { folderWith, qapiTs } from '../command-line.js';

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await qapiTs(['completion', shell]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** What bash offers at the end of a command line. */
async function offered(...words: string[]): Promise<string[]> {
  const cwd = folderWith({ 'completion.bash': await script('bash') });
  const list = ['qapi-ts', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `source completion.bash; COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _qapi_ts; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', ask], { cwd, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  test.each<[words: string[], offered: string[]]>([
    [['ge'], ['generate']],
    [['generate', '--int'], ['--int64']],
    [
      ['generate', '--int64', ''],
      ['union', 'bigint', 'number'],
    ],
    [['generate', '--int64', 'b'], ['bigint']],
    [
      ['check', '--dialect', '11.'],
      ['11.0', '11.1'],
    ],
    [['check', '--format', 'g'], ['github']],
    [['diff', '--fail-on', 're'], ['receiver']],
    [['completion', 'f'], ['fish']],
    [['scaffold', 's'], ['server']],
    [['completion', 'bash', '--h'], ['--help']],
    [['check', 'sch'], []],
    [['generate', '-o', ''], []],
  ])('%j can be completed by %j', async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test('every subcommand and every option that the help names is offered', async () => {
    const names = await offered('');
    const { stdout } = await qapiTs(['--help']);
    const inHelp = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name).filter((name) => name !== 'help');
    expect(names).toEqual(inHelp);
    for (const name of names) {
      const help = await qapiTs(['help', name]);
      const options = [...help.stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, option]) => option);
      expect(await offered(name, '--'), name).toEqual(options);
    }
  });
});

describe('completion in other shells', () => {
  test.each(['zsh', 'fish'])('the script for %s is one that the shell takes', async (shell) => {
    const text = await script(shell);
    expect(text).toContain('generate');
    if (spawnSync(shell, ['--version']).error) {
      process.stderr.write(`SKIPPED: the script for ${shell} is not tried, since ${shell} is not installed\n`);
      return;
    }
    const path = join(folderWith({ script: text }), 'script');
    const { status, stderr } = spawnSync(shell, ['-n', path], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('a value of an option for fish and zsh is one of its choices', async () => {
    expect(await script('fish')).toMatch(/seen_subcommand_from generate' -l int64 -x -a 'union bigint number' -d '/);
    expect(await script('zsh')).toMatch(/'\*--int64\[[^\]]*\]:value:\(union bigint number\)'/);
  });

  test('another shell is refused', async () => {
    const { code, stderr } = await qapiTs(['completion', 'cmd']);
    expect(code).toBe(1);
    expect(stderr).toContain('bash, zsh, fish');
  });
});

// Here all subcommands are loaded already.
describe('the manual page', () => {
  test('docs/qapi-ts.1 has every subcommand with its options as declared (npm run docs)', async () => {
    const page = manualPage(await wholeProgram());
    expect(page).toBe(readFileSync(join(import.meta.dirname, '../../../docs/qapi-ts.1'), 'utf8'));
    expect(page).toContain('\\-\\-fix');
    expect(page.match(/^\.SS /gm)?.length).toBeGreaterThan(12);
  });
});
