import { expect, test } from 'vitest';
import { jobsToFollow, startedJobs, withoutFollow } from '../../../../cli/shell/follow/read-follow.js';

test.each([
  ['block-stream device=d --follow', 'block-stream device=d', true],
  [') --follow', ')', true],
  ['{"execute": "x"}\n --follow', '{"execute": "x"}', true],
  ['block-stream device=--follow', 'block-stream device=--follow', false],
  ['block-stream device="a --follow"', 'block-stream device="a --follow"', false],
  ['--follow', '--follow', false],
])('--follow is taken off the end of %j', (whole, line, follow) => {
  expect(withoutFollow(whole)).toEqual({ line, follow });
});

test('a line with follow names jobs', () => {
  expect(jobsToFollow('follow a  b a')).toEqual(['a', 'b']);
  expect(jobsToFollow('followers a')).toBeUndefined();
  expect(() => jobsToFollow('follow')).toThrow("Write 'follow JOB'");
});

test('a command says which jobs it starts', () => {
  const jobs = (command: string, args: object) => startedJobs({ command, arguments: args as never, oob: false });
  expect(jobs('block-stream', { device: 'd' })).toEqual(['d']);
  expect(jobs('block-stream', { device: 'd', 'job-id': 'j' })).toEqual(['j']);
  const actions = [
    { type: 'block-dirty-bitmap-add', data: { node: 'd', name: 'n' } },
    { type: 'drive-backup', data: { device: 'd' } },
    { type: 'blockdev-backup', data: { device: 'e', 'job-id': 'k' } },
  ];
  expect(jobs('transaction', { actions })).toEqual(['d', 'k']);
  expect(() => jobs('transaction', { actions: actions.slice(0, 1) })).toThrow('transaction starts no job');
  expect(() => jobs('block_resize', { device: 'd' })).toThrow('block_resize starts no job that could be followed');
  expect(() => jobs('blockdev-create', {})).toThrow("blockdev-create can be followed when its 'job-id' is given");
});
