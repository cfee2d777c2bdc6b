import { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { writtenOut } from '../../cli/abbreviations.js';
import { qapiTs } from './command-line.js';

const command = new Command('serve')
  .addOption(new Option('--nbd <server>'))
  .addOption(new Option('--nbd-server <server>'))
  .addOption(new Option('--name <name>'))
  .addOption(new Option('--daemonize'))
  .addOption(new Option('-T, --trace <events>'));
const whole = ['--nbd-server', '--daemonize', '--trace', '--pidfile', '--export', '--ex'];

describe('shortened options', () => {
  it.each([
    [
      ['--n', 'x'],
      ['--nbd-server', 'x'],
    ],
    [
      ['--nbd', 'x'],
      ['--nbd', 'x'],
    ],
    [
      ['--nbd-', 'x'],
      ['--nbd-server', 'x'],
    ],
    [['--nbd-s=x=y'], ['--nbd-server=x=y']],
    [
      ['--d', '--t', '--d', '--d'],
      ['--daemonize', '--trace', '--d', '--daemonize'],
    ],
    [['--e'], ['--e']],
    [['--pidfile'], ['--pidfile']],
    [
      ['--name', '--d', '-T', '--d'],
      ['--name', '--d', '-T', '--d'],
    ],
    [
      ['--d', '--', '--d'],
      ['--daemonize', '--', '--d'],
    ],
    [
      ['d', '-d', '--', '--d'],
      ['d', '-d', '--', '--d'],
    ],
  ])('%j', (args, expected) => {
    expect(writtenOut(args, command, whole)).toEqual(expected);
  });

  it('serve takes shortened options, and no other subcommand does', async () => {
    expect(await qapiTs(['serve', '--check-config', '--blockd', 'null-co,node-name=n'])).toMatchObject({ code: 0 });
    expect(await qapiTs(['serve', '--check-config', '--bogus', 'x'])).toMatchObject({ code: 1 });
    expect(await qapiTs(['check', '--dial', '2.8', 'x'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('unknown option'),
    });
  });
});
