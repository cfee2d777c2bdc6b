import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { blkdebug } from '../../runtime/block/drivers/blkdebug/driver.js';
import { nbd } from '../../runtime/block/drivers/nbd/driver.js';
import { nullCo } from '../../runtime/block/drivers/null.js';
import { strerror } from '../../runtime/block/errno.js';
import { BlockError } from '../../runtime/block/error.js';
import type { BlockNode } from '../../runtime/block/graph/node.js';
import { SmallGraph } from '../runtime/block/drivers/small-graph.js';
import { describeWithPrograms, seed } from './programs.js';
import { startUnixServer } from './unix-server.js';

const run = promisify(execFile);

/** A request: `zero` is a write of zeroes, `flush` has no range. */
interface Step {
  readonly kind: 'read' | 'write' | 'zero' | 'discard' | 'flush';
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

/** What real qemu-io says of each request to a node. */
async function real(node: object, steps: readonly Step[]): Promise<string[]> {
  const commands = steps.map(({ kind, offset, length }) =>
    kind === 'flush' ? 'flush' : `${kind === 'zero' ? 'write -z' : kind} ${offset} ${length}`,
  );
  // Else qemu-io flushes after each write, which meets rules, too.
  const args = ['-t', 'writeback', '-d', 'unmap', ...commands.flatMap((command) => ['-c', command])];
  // It fails when any of its commands has.
  const { stdout } = await run('qemu-io', [...args, `json:${JSON.stringify(node)}`]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout
    .split('\n')
    .filter((line) => /^(read|wrote|discard) \d+\/|failed/.test(line))
    .map((line) => /failed: (.*)$/.exec(line)?.[1] ?? 'ok');
}

async function ours(tree: object, steps: readonly Step[]): Promise<string[]> {
  const { graph } = new SmallGraph(blkdebug, nullCo, nbd);
  const node = await graph.open({ filename: `json:${JSON.stringify(tree)}` });
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
    else if (kind === 'discard') await requests.discard(offset, length);
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
    ['errno 0', { 'inject-error': [{ event: 'write_aio', errno: 0 }, { event: 'write_aio' }] }, [write, write]],
    ['the event none', { 'inject-error': [{ event: 'none', errno: 28, once: true }] }, [read, read]],
    [
      'an immediate injection',
      { 'inject-error': [{ event: 'write_aio', errno: 28, immediately: true }] },
      [write, read],
    ],
    [
      'injections for kinds of requests',
      {
        'inject-error': [
          { event: 'none', iotype: 'write', sector: 2, errno: 28 },
          { event: 'none', iotype: 'write-zeroes', errno: 1, once: true },
          { event: 'none', iotype: 'read', sector: 3 },
        ],
      },
      [step('write', 0, 2), step('write', 2), step('zero', 2), step('zero', 2), step('read', 2), step('read', 3)],
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
    const outcomes = await real(tree(options), steps);
    expect(outcomes).toHaveLength(steps.length);
    expect(await ours(tree(options), steps)).toEqual(outcomes);
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
    expect(await real(tree({ config }), steps)).toEqual(['ok', 'ok', strerror('ENOSPC'), 'ok']);
    expect(await ours(tree({ config }), steps)).toEqual(['ok', 'ok', strerror('ENOSPC'), 'ok']);
  });

  it('fails the same requests for any rules', async () => {
    const event = fc.constantFrom('none', 'read_aio', 'write_aio', 'pwritev', 'pwritev_done', 'pwritev_zero');
    const state = fc.integer({ min: 0, max: 3 });
    const injection = fc
      .record(
        {
          event,
          state,
          iotype: fc.constantFrom('read', 'write', 'write-zeroes'),
          errno: fc.constantFrom(0, 1, 5, 28),
          sector: fc.integer({ min: 0, max: 3 }),
          once: fc.boolean(),
          immediately: fc.boolean(),
        },
        { requiredKeys: ['event'] },
      )
      // Releases differ in whether a rule that lets a request pass is used up by it.
      .filter(({ errno, once }) => errno !== 0 || once !== true);
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
        expect(await ours(tree(options), steps)).toEqual(await real(tree(options), steps));
      }),
      { numRuns: 60, seed },
    );
  });
});

describeWithPrograms('the sizes of requests below blkdebug', ['qemu-io', 'nbdkit'], () => {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-blkdebug-limits-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** What a program asks of a server: the kind of each request, where it begins, and its length. */
  async function logged(work: (server: object) => Promise<unknown>): Promise<string[]> {
    const own = mkdtempSync(join(folder, 'run-'));
    const [path, log] = [join(own, 's'), join(own, 'log')];
    await startUnixServer(path, ['nbdkit', '-f', '-U', path, '--filter=log', 'memory', '8M', `logfile=${log}`]);
    await work({ driver: 'nbd', discard: 'unmap', server: { type: 'unix', path } });
    const requests = readFileSync(log, 'utf8').matchAll(/ (Read|Write|Zero|Trim) id=\d+ offset=(\w+) count=(\w+)/g);
    return [...requests].map(([, kind, offset, count]) => `${kind} ${Number(offset)} ${Number(count)}`);
  }

  it.each<[string, object, Step[]]>([
    ['max-transfer', { 'max-transfer': 12_288 }, [step('write', 8, 80), step('read', 1, 50), step('zero', 8, 80)]],
    [
      'opt-write-zero',
      { 'opt-write-zero': 1_572_864, 'max-transfer': 524_288 },
      [step('zero', 4096, 8192), step('zero', 1, 1), step('zero', 3072, 3072), step('zero', 6000, 3000)],
    ],
    ['max-write-zero', { 'max-write-zero': 1_048_576 }, [step('zero', 1, 6144)]],
    [
      'opt-write-zero and max-write-zero',
      { align: 512, 'opt-write-zero': 65_536, 'max-write-zero': 131_072 },
      [step('zero', 100, 1000), step('zero', 128, 512)],
    ],
    [
      'opt-discard and max-discard',
      { align: 512, 'opt-discard': 1_572_864, 'max-discard': 1_572_864 },
      [step('discard', 3907, 10_000), step('discard', 1, 3)],
    ],
    ['max-discard', { 'max-discard': 1_048_576 }, [step('discard', 1, 6144)]],
  ])('equal those below that of qemu-io, with %s', async (_, limits, steps) => {
    const tree = (image: object) => ({ driver: 'blkdebug', discard: 'unmap', image, ...limits });
    const theirs = await logged((image) => real(tree(image), steps));
    expect(theirs.length).toBeGreaterThan(1);
    const own = await logged((image) => ours(tree(image), steps));
    expect(own).toEqual(theirs);
  });
});
