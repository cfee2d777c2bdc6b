import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { blkdebug } from '../../runtime/block/drivers/blkdebug/driver.js';
import { nullCo } from '../../runtime/block/drivers/null.js';
import { strerror } from '../../runtime/block/errno.js';
import { BlockError } from '../../runtime/block/error.js';
import type { BlockNode } from '../../runtime/block/graph/node.js';
import { SmallGraph } from '../runtime/block/drivers/small-graph.js';
import { describeWithPrograms, seed } from './programs.js';

const run = promisify(execFile);

/** A request: `zero` is a write of zeroes, `flush` has no range. */
interface Step {
  readonly kind: 'read' | 'write' | 'zero' | 'flush';
  readonly offset: number;
  readonly length: number;
}

const step = (kind: Step['kind'], sector = 0, count = 1): Step => ({
  kind,
  offset: sector * 512,
  length: count * 512,
});

/** `raw` above announces reads and writes of data to blkdebug; blkdebug's own node announces the rest. */
const tree = (options: object) => ({
  driver: 'raw',
  file: { driver: 'blkdebug', image: { driver: 'null-co' }, ...options },
});

/** What real qemu-io says of each request. */
async function real(options: object, steps: readonly Step[]): Promise<string[]> {
  const commands = steps.map(({ kind, offset, length }) =>
    kind === 'flush' ? 'flush' : `${kind === 'zero' ? 'write -z' : kind} ${offset} ${length}`,
  );
  // Else qemu-io flushes after each write, which meets rules, too.
  const args = ['-t', 'writeback', ...commands.flatMap((command) => ['-c', command])];
  // It fails when any of its commands has.
  const { stdout } = await run('qemu-io', [...args, `json:${JSON.stringify(tree(options))}`]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout
    .split('\n')
    .filter((line) => /^(read|wrote) \d+\/|failed/.test(line))
    .map((line) => /failed: (.*)$/.exec(line)?.[1] ?? 'ok');
}

async function ours(options: object, steps: readonly Step[]): Promise<string[]> {
  const { graph } = new SmallGraph(blkdebug, nullCo);
  const node = await graph.open({ filename: `json:${JSON.stringify(tree(options))}` });
  const outcomes: string[] = [];
  for (const { kind, offset, length } of steps) {
    const outcome = await attempt(node, kind, offset, length);
    if (kind !== 'flush') outcomes.push(outcome);
  }
  await graph.close();
  return outcomes;
}

async function attempt({ requests }: BlockNode, kind: Step['kind'], offset: number, length: number): Promise<string> {
  try {
    if (kind === 'read') await requests.read(offset, Buffer.alloc(length));
    else if (kind === 'write') await requests.write(offset, Buffer.alloc(length, 1));
    else if (kind === 'zero') await requests.writeZeroes(offset, length);
    else await requests.flush();
    return 'ok';
  } catch (error) {
    if (error instanceof BlockError) return strerror(error.code);
    throw error;
  }
}

describeWithPrograms('blkdebug beside that of qemu-io', ['qemu-io'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-blkdebug-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  const write = step('write');
  const read = step('read');

  it.each<[string, object, Step[]]>([
    ['once', { 'inject-error': [{ event: 'read_aio', errno: 28, once: true }] }, [write, read, read]],
    ['again and again', { 'inject-error': [{ event: 'read_aio', errno: 1 }] }, [write, read, read, write]],
    [
      'one sector',
      { 'inject-error': [{ event: 'write_aio', sector: 3 }] },
      [step('write', 0, 3), step('write', 0, 4), step('write', 4, 4), step('read', 3), step('zero', 2, 2)],
    ],
    [
      'errno 0',
      { 'inject-error': [{ event: 'write_aio', errno: 0, once: true }, { event: 'write_aio' }] },
      [write, write],
    ],
    [
      'what earlier events have left',
      {
        'inject-error': [
          { event: 'write_aio', sector: 0, errno: 28 },
          { event: 'read_aio', sector: 1, errno: 1 },
        ],
      },
      [write, step('write', 1), step('read', 1), write, step('read', 5), step('zero', 0, 2), step('zero', 0, 1)],
    ],
    [
      'states',
      {
        'set-state': [
          { event: 'pwritev_done', state: 1, new_state: 2 },
          { event: 'pwritev_done', state: 2, new_state: 7 },
          { event: 'pwritev_done', state: 7, new_state: 1 },
        ],
        'inject-error': [{ event: 'pwritev', state: 7, once: true, errno: 28 }],
      },
      [write, write, write, write, write],
    ],
    [
      'states that disagree',
      {
        'set-state': [
          { event: 'write_aio', new_state: 5 },
          { event: 'write_aio', new_state: 6 },
        ],
        'inject-error': [
          { event: 'read_aio', state: 5, errno: 28 },
          { event: 'read_aio', state: 6, errno: 1 },
        ],
      },
      [write, read],
    ],
    [
      'zeroes',
      { 'inject-error': [{ event: 'pwritev_zero', errno: 28, once: true }] },
      [write, step('zero'), step('zero')],
    ],
    [
      'a misaligned write',
      { align: 4096, 'inject-error': [{ event: 'pwritev_rmw_tail', errno: 28, once: true }] },
      [step('write', 8, 8), step('write', 8, 9), step('write', 8, 9)],
    ],
    [
      'a misaligned write, at its beginning',
      { align: 4096, 'inject-error': [{ event: 'pwritev_rmw_after_head', errno: 28, once: true }] },
      [step('write', 8, 9), step('write', 9, 20), step('write', 9, 20)],
    ],
  ])('fails the same requests with %s', async (_, options, steps) => {
    const outcomes = await real(options, steps);
    expect(outcomes).toHaveLength(steps.length);
    expect(await ours(options, steps)).toEqual(outcomes);
  });

  it('fails flushes alike', async () => {
    const exitCode = async (options: object) => {
      const args = ['-c', 'write 0 512', '-c', 'flush', `json:${JSON.stringify(tree(options))}`];
      return run('qemu-io', args).then(
        () => 0,
        () => 1,
      );
    };
    const { graph } = new SmallGraph(blkdebug, nullCo);
    for (const [sector, failed] of [
      [-1, 1],
      [0, 0],
    ]) {
      const options = { 'inject-error': [{ event: 'flush_to_disk', ...(sector === -1 ? {} : { sector }) }] };
      expect(await exitCode(options)).toBe(failed);
      const node = await graph.open({ filename: `json:${JSON.stringify(tree(options))}` });
      expect(await attempt(node, 'write', 0, 512)).toBe('ok');
      expect(await attempt(node, 'flush', 0, 0)).toBe(failed ? 'Input/output error' : 'ok');
    }
  });

  it('takes the same rules from a file', async () => {
    const config = join(folder, 'rules.conf');
    writeFileSync(
      config,
      [
        '# the third write fails',
        '[set-state]',
        'state = "1"',
        'event = "write_aio"',
        'new_state = "2"',
        '',
        '[set-state "named"]',
        'state = "2"',
        'event = "write_aio" # again',
        'new_state = "3"',
        '[inject-error]',
        'state = "3"',
        'event = "write_aio"',
        'errno = "28"',
        'once = "on"',
        '',
      ].join('\n'),
    );
    const steps = [write, write, write, write];
    expect(await real({ config }, steps)).toEqual(['ok', 'ok', strerror('ENOSPC'), 'ok']);
    expect(await ours({ config }, steps)).toEqual(['ok', 'ok', strerror('ENOSPC'), 'ok']);
  });

  it('fails the same requests for any rules', async () => {
    const event = fc.constantFrom('read_aio', 'write_aio', 'pwritev', 'pwritev_done', 'pwritev_zero');
    const state = fc.integer({ min: 0, max: 3 });
    const injection = fc.record(
      {
        event,
        state,
        errno: fc.constantFrom(0, 1, 5, 28),
        sector: fc.integer({ min: 0, max: 3 }),
        once: fc.boolean(),
      },
      { requiredKeys: ['event'] },
    );
    const change = fc.record(
      { event, state, new_state: fc.integer({ min: 1, max: 3 }) },
      { requiredKeys: ['event', 'new_state'] },
    );
    const request = fc
      .tuple(fc.constantFrom<Step['kind']>('read', 'write', 'zero'), fc.nat(3), fc.integer({ min: 1, max: 3 }))
      .map(([kind, sector, count]) => step(kind, sector, count));
    const rules = fc.record(
      {
        'inject-error': fc.array(injection, { minLength: 1, maxLength: 4 }),
        'set-state': fc.array(change, { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: ['inject-error'] },
    );
    await fc.assert(
      fc.asyncProperty(rules, fc.array(request, { minLength: 1, maxLength: 20 }), async (options, steps) => {
        expect(await ours(options, steps)).toEqual(await real(options, steps));
      }),
      { numRuns: 60, seed },
    );
  });
});
