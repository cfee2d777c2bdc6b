import { beforeEach, expect, it } from 'vitest';
import type { ImageInfoSpecific } from '../../../../generated/index.js';
import { JobClient } from '../jobs/job-client.js';

let client: JobClient;

beforeEach(async () => {
  client = await JobClient.withChain();
  for (const [id, data] of [
    ['first', 'correct horse'],
    ['second', 'battery staple'],
  ]) {
    await client.execute('object-add', { 'qom-type': 'secret', id, data });
  }
  await job('blockdev-create', { options: { driver: 'file', filename: client.at('v.luks'), size: 0 } });
  await client.execute('blockdev-add', { driver: 'file', 'node-name': 'f', filename: client.at('v.luks') });
  await job('blockdev-create', {
    options: { driver: 'luks', file: 'f', size: 1 << 20, 'key-secret': 'first', 'iter-time': 1 },
  });
  await client.execute('blockdev-add', { driver: 'luks', 'node-name': 'v', file: 'f', 'key-secret': 'first' });
});

/** Runs a job to its end. @returns its error, if there is one */
async function job(command: string, args: object): Promise<string | undefined> {
  await client.execute(command, { 'job-id': 'j', ...args });
  while ((await client.event('JOB_STATUS_CHANGE')).data.status !== 'concluded');
  const [info] = (await client.execute('query-jobs')) as { error?: string }[];
  await client.execute('job-dismiss', { id: 'j' });
  return info?.error;
}

const amend = (options: object, more: object = {}) =>
  job('x-blockdev-amend', { 'node-name': 'v', options: { driver: 'luks', ...options }, ...more });
const add = (more: object = {}, force = {}) =>
  amend({ state: 'active', 'new-secret': 'second', 'iter-time': 1, ...more }, force);

function activeSlots(): number[] {
  const info = client.layer.graph.node('v')?.open.specificInfo?.() as ImageInfoSpecific;
  if (info.type !== 'luks') throw new Error('no volume');
  return info.data.slots.flatMap((slot, index) => (slot.active ? [index] : []));
}

/** Whether a passphrase opens the volume as it stands in the file. */
async function opens(secret: string): Promise<boolean> {
  const node = { driver: 'luks', 'node-name': 'w', file: 'f', 'key-secret': secret, 'read-only': true };
  try {
    await client.execute('blockdev-add', node);
  } catch {
    return false;
  }
  await client.execute('blockdev-del', { 'node-name': 'w' });
  return true;
}

it('adds a passphrase in the first free slot, and erases the slot that the old one opens', async () => {
  expect(await opens('second')).toBe(false);
  expect(await add()).toBeUndefined();
  expect([activeSlots(), await opens('first'), await opens('second')]).toEqual([[0, 1], true, true]);
  expect(await amend({ state: 'inactive', 'old-secret': 'first' })).toBeUndefined();
  expect([activeSlots(), await opens('first'), await opens('second')]).toEqual([[1], false, true]);
});

it('adds to a slot by its number with a passphrase of its own for the key, and erases it by its number', async () => {
  expect(await add({ keyslot: 6 })).toBeUndefined();
  expect(await amend({ state: 'inactive', keyslot: 0 })).toBeUndefined();
  expect(activeSlots()).toEqual([6]);
  // The passphrase that it was opened with is gone by now.
  expect(await add({ 'new-secret': 'first' })).toMatch(/Invalid password/);
  expect(await add({ 'new-secret': 'first', secret: 'second' })).toBeUndefined();
  expect([activeSlots(), await opens('first')]).toEqual([[0, 6], true]);
});

it('erases all slots that a passphrase opens', async () => {
  for (const keyslot of [3, 7]) expect(await add({ keyslot })).toBeUndefined();
  expect(await amend({ state: 'inactive', 'old-secret': 'second' })).toBeUndefined();
  expect(activeSlots()).toEqual([0]);
});

it('overwrites an active slot, and erases the last ones, only by force', async () => {
  expect(await add({ keyslot: 0 })).toMatch(/Refusing to overwrite active keyslot 0/);
  expect(await add({ keyslot: 0 }, { force: true })).toBeUndefined();
  expect([await opens('first'), await opens('second')]).toEqual([false, true]);
  expect(await amend({ state: 'inactive', keyslot: 0 })).toMatch(/Refusing to erase all active keyslots/);
  expect(await amend({ state: 'inactive', 'old-secret': 'second' })).toMatch(/Refusing to erase all/);
  expect(await amend({ state: 'inactive', keyslot: 0 }, { force: true })).toBeUndefined();
  expect([activeSlots(), await opens('second')]).toEqual([[], false]);
});

it('refuses to add a passphrase when all slots are in use', async () => {
  for (let slot = 1; slot < 8; slot++) expect(await add()).toBeUndefined();
  expect(await add()).toMatch(/all keyslots are in use/);
});

it.each([
  [{ state: 'active' }, "'new-secret' is required to activate a keyslot"],
  [{ state: 'active', 'new-secret': 'second', 'old-secret': 'first' }, "'old-secret' must not be given"],
  [{ state: 'active', 'new-secret': 'second', keyslot: 8 }, 'Invalid keyslot 8 specified, must be between 0 and 7'],
  [{ state: 'active', 'new-secret': 'second', keyslot: -1 }, 'Invalid keyslot -1 specified'],
  [{ state: 'active', 'new-secret': 'second', 'iter-time': -1 }, "'iter-time' must not be negative"],
  [{ state: 'active', 'new-secret': 'nope' }, 'nope'],
  [{ state: 'active', 'new-secret': 'first', secret: 'second' }, 'Invalid password'],
  [{ state: 'inactive' }, "either 'keyslot' or 'old-secret' must be given"],
  [{ state: 'inactive', keyslot: 9 }, 'Invalid keyslot 9 specified, must be between 0 and 7'],
  [{ state: 'inactive', keyslot: 4 }, 'Keyslot 4 is already erased'],
  [{ state: 'inactive', 'old-secret': 'second' }, 'No keyslots match'],
  [{ state: 'inactive', 'old-secret': 'second', keyslot: 0 }, 'Keyslot 0 does not match'],
  [{ state: 'inactive', 'old-secret': 'first', 'new-secret': 'second' }, "'new-secret' must not be given"],
  [{ state: 'inactive', keyslot: 0, 'iter-time': 5 }, "'iter-time' must not be given"],
])('fails the job for %j, and changes nothing', async (options, problem) => {
  expect(await amend(options)).toContain(problem);
  expect([activeSlots(), await opens('first')]).toEqual([[0], true]);
});

it('refuses before there is a job what no driver could do', async () => {
  const options = { driver: 'luks', state: 'inactive', keyslot: 0 };
  const begin = (name: string, given: object = options) =>
    client.execute('x-blockdev-amend', { 'job-id': 'j', 'node-name': name, options: given });
  await expect(begin('nope')).rejects.toThrow(/nope/);
  await expect(begin('f')).rejects.toThrow("x-blockdev-amend doesn't support changing the block driver");
  await expect(begin('f', { driver: 'file' })).rejects.toThrow('Driver does not support x-blockdev-amend');
  await client.execute('blockdev-add', {
    driver: 'luks',
    'node-name': 'ro',
    file: 'f',
    'key-secret': 'first',
    'read-only': true,
  });
  await expect(begin('ro')).rejects.toThrow('Block node is read-only');
  expect(await client.execute('query-jobs')).toEqual([]);
});

it('refuses while another user of the file writes to it, and leaves what that may do as it was', async () => {
  await client.execute('blockdev-add', { driver: 'raw', 'node-name': 'r', file: 'f' });
  await client.execute('nbd-server-start', { addr: { type: 'unix', data: { path: client.at('nbd') } } });
  const exported = { type: 'nbd', id: 'e', 'node-name': 'r', writable: true };
  await client.execute('block-export-add', exported);
  await expect(add()).rejects.toThrow(/conflict/);
  await client.execute('block-export-del', { id: 'e' });
  await client.event('BLOCK_EXPORT_DELETED');
  expect(await add()).toBeUndefined();
  await client.execute('block-export-add', exported);
});

it('amends nothing of a qcow2 image, whose encryption is not there to be changed', async () => {
  await client.create('q.qcow2', 1 << 20);
  const file = { driver: 'file', filename: client.at('q.qcow2') };
  await client.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'q', file });
  const onQcow2 = (more: object) =>
    job('x-blockdev-amend', { 'node-name': 'q', options: { driver: 'qcow2', ...more } });
  expect(await onQcow2({})).toBeUndefined();
  expect(await onQcow2({ encrypt: { format: 'luks', state: 'inactive', keyslot: 0 } })).toBe(
    "image is not encrypted, can't amend",
  );
});
