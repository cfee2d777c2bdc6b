import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Backend, type BackendOptions } from '../../../../runtime/block/backend/backend.js';
import { throttleConfigOf } from '../../../../runtime/block/backend/throttle-config.js';
import { ThrottleGroups } from '../../../../runtime/block/backend/throttle-group.js';
import { VirtualDevice } from '../../../../runtime/block/backend/virtual-device.js';
import type { NodeView } from '../../../../runtime/block/driver.js';
import { ioError } from '../../../../runtime/block/error.js';
import { RequestFlag } from '../../../../runtime/block/request-flag.js';
import { MemoryChild } from '../memory-child.js';
import { RecordingHost } from './recording-host.js';

const second = 1e9;
const readOnly = { readOnly: true, direct: false, noFlush: false, unmap: true };

/** A medium that notes the flags of writes, and that keeps requests until they are released. */
class Medium extends MemoryChild {
  readonly flags: number[] = [];
  #going = Promise.resolve();

  constructor(size: number, node: Partial<NodeView> = {}) {
    super(new Uint8Array(size).fill(7), 'root', node);
  }

  /** Keeps requests from now on. @returns what lets them go */
  stop(): () => void {
    let go = (): void => {};
    this.#going = new Promise((resolve) => {
      go = resolve;
    });
    return go;
  }

  override async read(offset: number, buffer: Uint8Array): Promise<void> {
    await this.#going;
    await super.read(offset, buffer);
  }

  override async write(offset: number, data: Uint8Array, flags = 0): Promise<void> {
    this.flags.push(flags);
    await this.#going;
    await super.write(offset, data);
  }

  override async writeZeroes(offset: number, length: number, flags = 0): Promise<void> {
    this.flags.push(flags);
    if (flags & RequestFlag.noFallback) throw ioError('ENOTSUP');
    await super.write(offset, new Uint8Array(length));
  }
}

function drive(options: BackendOptions = {}, medium: Medium | undefined = new Medium(4096)) {
  const host = new RecordingHost();
  const backend = new Backend('d0', host, options);
  backend.root = medium;
  return { host, backend, medium: medium as Medium };
}

const code = (name: string) => expect.objectContaining({ name: 'BlockError', code: name });

describe('a backend', () => {
  it('passes requests on to its medium', async () => {
    const { backend, medium } = drive();
    const buffer = new Uint8Array(4);
    await backend.write(2, Uint8Array.of(1, 2));
    await backend.writeZeroes(4, 1);
    await backend.read(1, buffer);
    await backend.discard(512, 512);
    await backend.flush();
    expect([...buffer]).toEqual([7, 1, 2, 0]);
    expect(medium.steps.map(({ kind }) => kind)).toEqual(['write', 'write', 'discard', 'flush']);
    expect(backend.length).toBe(4096);
  });

  it('refuses requests without a medium, with an open tray, and beyond the end, before they are tried', async () => {
    const { backend, medium } = drive();
    await expect(backend.read(4095, new Uint8Array(2))).rejects.toThrow(code('EIO'));
    await expect(backend.write(4096, new Uint8Array(1))).rejects.toThrow(code('EIO'));
    await expect(backend.writeZeroes(-1, 1)).rejects.toThrow(code('EIO'));
    await expect(backend.blockStatus(4096, 1)).rejects.toThrow(code('EIO'));
    await expect(backend.read(4096, new Uint8Array(0))).resolves.toBeUndefined();
    backend.device = new VirtualDevice({ kind: 'cdrom', id: 'cd' });
    backend.changeMedium(false);
    await expect(backend.read(0, new Uint8Array(1))).rejects.toThrow(code('ENOMEDIUM'));
    backend.changeMedium(true);
    backend.root = undefined;
    await expect(backend.flush()).rejects.toThrow(code('ENOMEDIUM'));
    await expect(backend.discard(0, 1)).rejects.toThrow(code('ENOMEDIUM'));
    expect(backend.length).toBe(0);
    expect(medium.steps).toEqual([]);
    expect(backend.accounting.stats(0)).toMatchObject({
      invalid_rd_operations: 2,
      invalid_wr_operations: 2,
      invalid_flush_operations: 1,
      failed_rd_operations: 0,
    });
  });

  it('refuses requests on a drive of the host without a disc', async () => {
    const { backend } = drive({}, new Medium(0, { inserted: false }));
    await expect(backend.read(0, new Uint8Array(1))).rejects.toThrow(code('ENOMEDIUM'));
  });

  it('refuses to change a read-only medium', async () => {
    const { backend, medium } = drive({}, new Medium(4096, { flags: readOnly }));
    for (const request of [backend.write(0, new Uint8Array(1)), backend.writeZeroes(0, 1), backend.discard(0, 1)]) {
      await expect(request).rejects.toThrow(code('EPERM'));
    }
    await backend.flush();
    expect(medium.steps).toEqual([{ kind: 'flush' }]);
  });

  it('flushes each write before it reports it as done, unless writes are cached', async () => {
    const { backend, medium } = drive({ writeback: false });
    await backend.write(0, new Uint8Array(1));
    await backend.writeZeroes(0, 1, RequestFlag.mayUnmap);
    backend.writeback = true;
    await backend.write(0, new Uint8Array(1), RequestFlag.fua);
    await backend.write(0, new Uint8Array(1));
    expect(medium.flags).toEqual([RequestFlag.fua, RequestFlag.fua | RequestFlag.mayUnmap, RequestFlag.fua, 0]);
  });

  it('counts what was done, what failed, and how long it took, waiting for limits included', async () => {
    const { backend, host, medium } = drive();
    const groups = new ThrottleGroups(host.clock);
    backend.limit(groups, throttleConfigOf({ 'iops-total': 1 }), 'd0');
    await backend.write(0, new Uint8Array(512));
    const second_ = backend.read(0, new Uint8Array(1024));
    const third = backend.writeZeroes(0, 4096);
    await host.clock.advance(5 * second);
    await Promise.all([second_, third]);
    medium.onRequest = () => {
      throw ioError('EIO');
    };
    await expect(backend.flush()).rejects.toThrow(code('EIO'));
    expect(backend.accounting.stats(0)).toMatchObject({
      rd_bytes: 1024,
      rd_operations: 1,
      rd_total_time_ns: 0.9 * second,
      wr_bytes: 4608,
      wr_operations: 2,
      flush_operations: 0,
      failed_flush_operations: 1,
    });
  });

  it('reports the status of the first layer of the backing chain that has data', async () => {
    const base = new Medium(1024, { name: 'base' });
    const top = new Medium(4096, { backing: base });
    const { backend } = drive({}, top);
    top.blockStatus = async (offset, length) =>
      offset < 256
        ? { length: Math.min(length, 256 - offset), allocated: true, data: true, zero: false }
        : { length: Math.min(length, 512), allocated: false, data: false, zero: offset >= 1024 };
    base.blockStatus = async () => ({ length: 100, allocated: false, data: false, zero: false });
    expect(await backend.blockStatus(0, 4096)).toMatchObject({ length: 256, data: true });
    expect(await backend.blockStatus(256, 4096 - 256)).toMatchObject({ length: 100, allocated: false });
    expect(await backend.blockStatus(1024, 4096 - 1024)).toMatchObject({ length: 512, zero: true });
  });
});

describe('the limits of a backend', () => {
  const limits = throttleConfigOf({ 'iops-total': 10 });
  const none = throttleConfigOf({});

  it('limits hold back reads and writes, not flushes and discards', async () => {
    const { backend, host } = drive();
    backend.limit(new ThrottleGroups(host.clock), limits, 'd0');
    await backend.writeZeroes(0, 1);
    await backend.write(0, new Uint8Array(1));
    await backend.flush();
    await backend.discard(0, 512);
    const done: string[] = [];
    void backend.writeZeroes(0, 1).then(() => done.push('zeroes'));
    void backend.write(0, new Uint8Array(1)).then(() => done.push('write'));
    void backend.read(0, new Uint8Array(1)).then(() => done.push('read'));
    await host.clock.advance(0.05 * second);
    expect(done).toEqual([]);
    await backend.flush();
    await host.clock.advance(second);
    expect(done.sort()).toEqual(['read', 'write', 'zeroes']);
  });

  it('setting limits puts a backend into a group, moves it to another, and takes it out', () => {
    const { backend, host } = drive();
    const groups = new ThrottleGroups(host.clock);
    expect(backend.throttleGroup).toBeUndefined();
    backend.limit(groups, limits, 'd0');
    expect(backend.throttleGroup?.name).toBe('d0');
    backend.limit(groups, limits, 'd0', 'shared');
    expect(backend.throttleGroup?.name).toBe('shared');
    backend.limit(groups, throttleConfigOf({ 'bps-read': 5 }), 'd0');
    expect(backend.throttleGroup).toMatchObject({ name: 'shared', config: { 'iops-total': { average: 0 } } });
    backend.limit(groups, none, 'd0', 'other');
    expect(backend.throttleGroup).toBeUndefined();
  });

  it('releases the waiting requests of a backend that leaves its group', async () => {
    const { backend, host } = drive();
    const groups = new ThrottleGroups(host.clock);
    const other = new Backend('d1', host);
    backend.limit(groups, limits, 'g');
    other.limit(groups, limits, 'g');
    const requests = Array.from({ length: 20 }, () => backend.read(0, new Uint8Array(1)));
    backend.limit(groups, none, 'g');
    await Promise.all(requests);
    expect(other.throttleGroup?.config).toBe(limits);
  });
});

describe('a drained section', () => {
  it('begins when nothing is in flight, holds back what comes, and ends with the last of its kind', async () => {
    const { backend, medium } = drive();
    const log: string[] = [];
    const go = medium.stop();
    const first = backend.write(0, new Uint8Array(1)).then(() => log.push('first'));
    const begun = Promise.all([
      backend.drainBegin().then(() => log.push('drained')),
      backend.drainBegin().then(() => log.push('drained, too')),
    ]);
    const second_ = backend.read(0, new Uint8Array(1)).then(() => log.push('second'));
    const status = backend.blockStatus(0, 1).then(() => log.push('status'));
    go();
    await begun;
    backend.drainEnd();
    await new Promise(setImmediate);
    expect(log.sort()).toEqual(['drained', 'drained, too', 'first']);
    backend.drainEnd();
    await Promise.all([first, second_, status]);
    expect(log).toContain('second');
  });

  it('requests look for the medium again after a drained section', async () => {
    const { backend } = drive();
    await backend.drainBegin();
    const request = backend.read(0, new Uint8Array(1));
    backend.root = undefined;
    backend.drainEnd();
    await expect(request).rejects.toThrow(code('ENOMEDIUM'));
  });

  it('keeps holding back requests when the next section begins at once', async () => {
    const { backend, medium } = drive();
    await backend.drainBegin();
    let asked = 0;
    medium.blockStatus = async (_, length) => {
      asked++;
      return { length, allocated: true, data: true, zero: false };
    };
    const requests = [1, 2].map((value) => backend.write(0, Uint8Array.of(value)));
    const status = backend.blockStatus(0, 1);
    backend.drainEnd();
    await backend.drainBegin();
    await new Promise(setImmediate);
    expect([medium.steps, asked]).toEqual([[], 0]);
    backend.drainEnd();
    await Promise.all([...requests, status]);
    expect([medium.bytes[0], asked]).toEqual([2, 1]);
  });

  it('releases requests that wait for limits', async () => {
    const { backend, host } = drive();
    backend.limit(new ThrottleGroups(host.clock), throttleConfigOf({ 'bps-write': 1 }), 'd0');
    const requests = Array.from({ length: 5 }, () => backend.write(0, new Uint8Array(512)));
    await backend.drainBegin();
    await Promise.all(requests);
    backend.drainEnd();
  });

  it('a drained section has nothing in flight, and loses no request, whatever happens in which order', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('read', 'write', 'status', 'wait', 'time') },
      { weight: 2, arbitrary: fc.constantFrom('begin', 'end') },
      { weight: 1, arbitrary: fc.constantFrom('limit', 'unlimit') },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { backend, host, medium } = drive();
        const groups = new ThrottleGroups(host.clock);
        let [atWork, quiet, open] = [0, 0, 0];
        const busy = async (): Promise<void> => {
          expect(quiet).toBe(0);
          atWork++;
          await new Promise(setImmediate);
          atWork--;
        };
        Object.assign(medium, { read: busy, write: busy });
        medium.blockStatus = async (_, length) => {
          await busy();
          return { length, allocated: true, data: true, zero: false };
        };
        const pending: Promise<unknown>[] = [];
        const act: { readonly [name: string]: () => unknown } = {
          read: () => pending.push(backend.read(0, new Uint8Array(512))),
          write: () => pending.push(backend.write(0, new Uint8Array(512))),
          status: () => pending.push(backend.blockStatus(0, 512)),
          wait: () => new Promise(setImmediate),
          time: () => host.clock.advance(second / 3),
          limit: () => backend.limit(groups, throttleConfigOf({ 'iops-total': 2 }), 'd0'),
          unlimit: () => backend.limit(groups, throttleConfigOf({}), 'd0'),
          async begin() {
            await backend.drainBegin();
            expect(atWork).toBe(0);
            quiet++;
            open++;
          },
          end() {
            if (open === 0) return;
            quiet--;
            open--;
            backend.drainEnd();
          },
        };
        for (const name of steps) await act[name]?.();
        while (open > 0) act.end?.();
        await host.clock.advance(60 * second);
        await Promise.all(pending);
        expect(atWork).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the error policies', () => {
  /** What every event says of where it comes from. */
  const source = { device: 'd0', 'node-name': '#memory', 'qom-path': '/machine/peripheral/dev' };

  const failing = (failure: 'ENOSPC' | 'EIO', options: BackendOptions, kind: 'disk' | 'cdrom' | 'floppy' = 'disk') => {
    const made = drive(options);
    made.backend.device = new VirtualDevice({ kind, id: 'dev' });
    made.medium.onRequest = () => {
      throw ioError(failure);
    };
    return made;
  };

  it('reports errors by default, and stops when the host is out of space, which the status shows', async () => {
    const { backend, host, medium } = failing('ENOSPC', {});
    expect(backend.ioStatus).toBe('ok');
    await expect(backend.read(0, new Uint8Array(1))).rejects.toThrow(code('ENOSPC'));
    expect(backend.ioStatus).toBe('ok');
    await expect(backend.write(0, new Uint8Array(1))).rejects.toThrow(code('ENOSPC'));
    expect(backend.ioStatus).toBe('nospace');
    medium.onRequest = () => {
      throw ioError('EIO');
    };
    await expect(backend.flush()).rejects.toThrow(code('EIO'));
    expect(backend.ioStatus).toBe('nospace');
    const event = { ...source, reason: 'No space left on device', nospace: true };
    expect(host.sent).toEqual([
      { name: 'BLOCK_IO_ERROR', data: { ...event, operation: 'read', action: 'report' } },
      { name: 'BLOCK_IO_ERROR', data: { ...event, operation: 'write', action: 'stop' } },
      {
        name: 'BLOCK_IO_ERROR',
        data: { ...event, operation: 'write', action: 'report', nospace: false, reason: 'Input/output error' },
      },
    ]);
    backend.device = new VirtualDevice({ kind: 'disk', id: 'dev' });
    expect(backend.ioStatus).toBe('ok');
  });

  it('ignores failures on request: the guest gets no error, and no old contents of the buffer', async () => {
    const { backend, host } = failing('EIO', { policies: { read: 'ignore', write: 'ignore' } });
    const buffer = new Uint8Array(4).fill(9);
    await backend.read(0, buffer);
    await backend.write(0, buffer);
    expect([...buffer]).toEqual([0, 0, 0, 0]);
    // Nothing can stop: no status is kept, and events do not tell of space.
    expect(backend.ioStatus).toBeUndefined();
    expect(host.sent.map(({ data }) => data)).toEqual([
      { ...source, operation: 'read', action: 'ignore', reason: 'Input/output error' },
      { ...source, operation: 'write', action: 'ignore', reason: 'Input/output error' },
    ]);
    expect(backend.accounting.stats(0)).toMatchObject({
      failed_rd_operations: 1,
      failed_wr_operations: 1,
      rd_operations: 0,
    });
  });

  it('stops for any failure on request, and remembers the first in the status', async () => {
    const { backend, medium } = failing('EIO', { policies: { read: 'stop', write: 'stop' } });
    await expect(backend.read(0, new Uint8Array(1))).rejects.toThrow(code('EIO'));
    expect(backend.ioStatus).toBe('failed');
    medium.onRequest = () => {
      throw ioError('ENOSPC');
    };
    await expect(backend.write(0, new Uint8Array(1))).rejects.toThrow(code('ENOSPC'));
    expect(backend.ioStatus).toBe('failed');
  });

  it('prefers the error policies of the device to those of the drive', async () => {
    const { backend, medium } = failing('EIO', { policies: { read: 'report', write: 'report' } });
    backend.device = new VirtualDevice({ kind: 'disk', id: 'dev', rerror: 'ignore', werror: 'auto' });
    await backend.read(0, new Uint8Array(1));
    await expect(backend.write(0, new Uint8Array(1))).rejects.toThrow(code('EIO'));
    expect(medium.steps).toEqual([]);
  });

  it('fails requests whatever the policy without a device, and for a floppy', async () => {
    for (const kind of ['floppy', undefined] as const) {
      const { backend, host } = failing('EIO', { policies: { read: 'ignore', write: 'ignore' } }, kind ?? 'disk');
      if (kind === undefined) backend.device = undefined;
      await expect(backend.read(0, new Uint8Array(1))).rejects.toThrow(code('EIO'));
      expect(backend.ioStatus).toBeUndefined();
      expect(host.sent).toEqual([]);
    }
  });

  it('applies no policy to requests that were not tried, nor to a missing fast way to write zeroes', async () => {
    const { backend, host } = failing('EIO', { policies: { read: 'ignore', write: 'ignore' } });
    await expect(backend.read(4096, new Uint8Array(1))).rejects.toThrow(code('EIO'));
    await expect(backend.writeZeroes(0, 1, RequestFlag.noFallback)).rejects.toThrow(code('ENOTSUP'));
    expect(host.sent).toEqual([]);
    expect(backend.accounting.stats(0).failed_wr_operations).toBe(0);
  });
});
