import { expect, it } from 'vitest';
import { commands } from '../../../../generated/index.js';
import { Dispatcher } from '../../../../runtime/qmp/server/dispatcher.js';
import type { CompatPolicy } from '../../../../runtime/qmp/server/policy.js';
import { ServerSession } from '../../../../runtime/qmp/server/session.js';

/** Executes a request under a policy with handlers that do nothing; returns whether the program would have ended, and why. */
async function run(policy: CompatPolicy, command: string, args: object): Promise<{ crash: string; error: string }> {
  let crash = '';
  const dispatcher = new Dispatcher<object>({
    commands,
    handlers: new Proxy({}, { get: () => () => undefined }),
    partial: false,
    builtins: {},
    olderForms: { 'blockdev-add': (given) => given.options as never },
    policy,
    crash: (reason) => {
      crash = reason;
    },
    preconfig: () => false,
  });
  const session = new ServerSession([]);
  session.negotiated([]);
  const request = { command, arguments: args as never, outOfBand: false };
  try {
    await dispatcher.execute(request, session, new AbortController().signal);
    return { crash, error: '' };
  } catch (error) {
    return { crash, error: (error as Error).message };
  }
}

const deprecated: readonly (readonly [string, object])[] = [
  ['nbd-server-add', { device: 'd' }],
  ['nbd-server-add', { bogus: 1 }],
  ['block-commit', { device: 'd', base: 'x' }],
  ['blockdev-add', { options: { driver: 'null-co', 'node-name': 'n' } }],
];
const unstable: readonly (readonly [string, object])[] = [
  ['x-blockdev-change', { parent: 'p' }],
  ['blockdev-backup', { 'job-id': 'j', device: 'a', target: 'b', sync: 'none', 'x-perf': { 'max-workers': 4 } }],
];

it.each(deprecated)('rejects or ends the program at the deprecated %s %j', async (command, args) => {
  expect(await run({ unstableInput: 'crash' }, command, args)).toMatchObject({ crash: '' });
  const rejected = await run({ deprecatedInput: 'reject' }, command, args);
  expect(rejected).toEqual({ crash: '', error: expect.stringMatching(/./) });
  const ended = await run({ deprecatedInput: 'crash' }, command, args);
  expect(ended).toEqual({ crash: expect.stringContaining('deprecated'), error: expect.stringMatching(/./) });
});

it.each(unstable)('rejects or ends the program at the unstable %s %j', async (command, args) => {
  expect(await run({ deprecatedInput: 'crash' }, command, args)).toMatchObject({ crash: '' });
  expect((await run({ unstableInput: 'reject' }, command, args)).error).toContain('unstable');
  expect((await run({ unstableInput: 'crash' }, command, args)).crash).toContain('unstable');
});

it('neither rejects nor ends the program at what is as it should be', async () => {
  const policy = { deprecatedInput: 'crash', unstableInput: 'crash' } as const;
  expect(await run(policy, 'blockdev-add', { driver: 'null-co', 'node-name': 'n' })).toEqual({ crash: '', error: '' });
  expect(await run(policy, 'blockdev-del', { 'node-name': 'n', bogus: 1 })).toEqual({
    crash: '',
    error: expect.stringContaining('bogus'),
  });
});
