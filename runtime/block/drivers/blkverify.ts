import type { BlockDriver, BlockHost, Child, DriverInstance, OpenContext } from '../driver.js';
import { BlockError, ioError } from '../error.js';
import { RequestTracker } from '../io/tracker.js';
import type { BlockOptions } from '../options.js';
import { ofData } from '../permissions.js';
import { RequestFlag } from '../request-flag.js';
import { outcome } from './shared/outcome.js';

/**
 * `blkverify`: writes to two nodes and compares what it reads from them. When they differ, the program ends: this serves to
 * test drivers, and what happened first is what is of interest.
 *
 * Options: `raw`, known to be right, and `test`. File names: `blkverify:RAW:TEST`.
 */
export const blkverify: BlockDriver = {
  name: 'blkverify',
  kind: 'protocol',
  filter: true,
  filters: 'raw',
  childPermissions: (own, _state, child) => (child === 'test' ? ofData(own) : own),
  parseFilename,
  async open(context: OpenContext): Promise<DriverInstance> {
    const { options, node, host } = context;
    const filename = options.takeString('filename');
    if (filename !== undefined && !options.has('test') && !options.hasUnder('test')) parseFilename(filename, options);
    const raw = await context.openChild('raw', 'protocol', options.takeString('x-raw'));
    const test = await context.openChild('test', 'format', options.takeString('x-test'));
    return {
      ...requestsOf(raw, test, host),
      get length() {
        return test.node.length;
      },
      async flushToOs() {
        // Without flushes to the disk this is the only chance for what the image caches to leave the process.
        if (node.flags.noFlush) await test.flush();
      },
      flushToDisk: () => test.flush(),
      effectiveOptions: () => ({}),
      exactFilename() {
        const names = [raw.node.filename, test.node.filename];
        if (names.some((name) => name.startsWith('json:')) || names[0]?.includes(':')) return undefined;
        return `blkverify:${names.join(':')}`;
      },
      async close() {},
    };
  },
};

/** What comes before the first colon is the node that is known to be right, all that follows is the other. */
function parseFilename(filename: string, options: BlockOptions): void {
  const [, raw, test] = /^blkverify:([^:]+):(.+)$/s.exec(filename) ?? [];
  if (raw === undefined || test === undefined) {
    throw new BlockError(`A file name of blkverify is 'blkverify:RAW:TEST', which '${filename}' is not`, {
      code: 'EINVAL',
    });
  }
  options.set('x-raw', raw);
  options.set('x-test', test);
}

type Requests = Pick<DriverInstance, 'read' | 'write' | 'writeZeroes' | 'writeFlags'>;

function requestsOf(raw: Child, test: Child, host: BlockHost): Requests {
  function fail(action: string, offset: number, length: number, problem: string): never {
    host.fatal(`blkverify: ${action} of ${length} bytes at offset ${offset}: ${problem}`);
    throw ioError('EIO');
  }

  // Overlapping writes, or a read beside one, may reach the two in different orders; that is no fault of either.
  const order = new RequestTracker();

  /** Waits for both to be done; they must fail alike, or not at all. */
  async function both(action: string, offset: number, length: number, ask: (child: Child) => Promise<void>) {
    const [rawCode, testCode] = await Promise.all([outcome(ask(raw)), outcome(ask(test))]);
    if (rawCode !== testCode) {
      fail(action, offset, length, `raw says ${rawCode ?? 'success'}, but test says ${testCode ?? 'success'}`);
    }
    if (testCode !== undefined) throw ioError(testCode);
  }

  return {
    writeFlags: RequestFlag.fua | RequestFlag.mayUnmap,
    async read(offset, buffer) {
      const { length } = buffer;
      const request = order.begin(offset, length);
      try {
        if (!order.quiet) await order.turn(request);
        const expected = Buffer.allocUnsafe(length);
        await both('read', offset, length, (child) => child.read(offset, child === raw ? expected : buffer));
        if (Buffer.compare(expected, buffer) === 0) return;
        const position = expected.findIndex((byte, index) => byte !== buffer[index]);
        fail('read', offset, length, `contents differ at offset ${offset + position}`);
      } finally {
        order.end(request);
      }
    },
    write(offset, data, flags) {
      const passed = flags & RequestFlag.fua;
      return change('write', offset, data.length, (child) => child.write(offset, data, passed));
    },
    async writeZeroes(offset, length, flags) {
      // One may have a fast way and the other may not, which is no difference to be found.
      if (flags & RequestFlag.noFallback) throw ioError('ENOTSUP');
      const passed = flags & (RequestFlag.fua | RequestFlag.mayUnmap);
      await change('zero-write', offset, length, (child) => child.writeZeroes(offset, length, passed));
    },
  };

  async function change(action: string, offset: number, length: number, ask: (child: Child) => Promise<void>) {
    const request = order.begin(offset, length, true);
    try {
      await order.turn(request);
      await both(action, offset, length, ask);
    } finally {
      order.end(request);
    }
  }
}
