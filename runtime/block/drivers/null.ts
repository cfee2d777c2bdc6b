import type { Clock } from '../clock.js';
import type { BlockDriver, BlockStatus, DriverInstance, OpenContext } from '../driver.js';
import { BlockError } from '../error.js';
import { largestSize } from '../limits.js';
import { nothingToSwitch } from './shared/reopening.js';

const defaultSize = 2 ** 30;

/** The two drivers differ in how they wait inside of QEMU; here, in nothing but the name. */
function nullDriver(name: string): BlockDriver {
  return {
    name,
    kind: 'protocol',
    changeable: [],
    parseFilename(filename, options) {
      checkName(name, filename);
      options.default('filename', filename);
    },
    async open({ options, host }: OpenContext): Promise<DriverInstance> {
      const filename = options.takeString('filename');
      if (filename !== undefined) checkName(name, filename);
      const size = options.takeSize('size', { most: largestSize });
      const latency = options.takeInteger('latency-ns', { least: 0 });
      const readZeroes = options.takeBoolean('read-zeroes');
      const shown = {
        ...(size === undefined ? {} : { size }),
        ...(latency === undefined ? {} : { 'latency-ns': latency }),
        ...(readZeroes === undefined ? {} : { 'read-zeroes': readZeroes }),
      };
      const exact = Object.keys(shown).length === 0 ? `${name}://` : undefined;
      return {
        ...nullRequests(size ?? defaultSize, latency ?? 0, readZeroes ?? false, host.clock),
        effectiveOptions: () => shown,
        exactFilename: () => exact,
      };
    },
  };
}

function checkName(driver: string, filename: string): void {
  if (filename === `${driver}://`) return;
  throw new BlockError(`The only file name that '${driver}' has is '${driver}://', not '${filename}'`, {
    code: 'EINVAL',
  });
}

function nullRequests(size: number, latency: number, readZeroes: boolean, clock: Clock): DriverInstance {
  const served = Promise.resolve();

  function serve(): Promise<void> {
    return latency === 0 ? served : new Promise((resolve) => clock.after(latency, resolve));
  }

  return {
    length: size,
    read(_offset, buffer) {
      // What is read is undefined, but earlier contents of the buffer must not be disclosed.
      buffer.fill(0);
      return serve();
    },
    write: serve,
    flushToDisk: serve,
    async blockStatus(offset, length): Promise<BlockStatus> {
      return { length, allocated: true, data: true, zero: readZeroes, offset };
    },
    prepareReopen: async () => nothingToSwitch,
    async close() {},
  };
}

/**
 * `null-co`: a disk that keeps nothing, to measure what is above it. Options: `size` (default: 1 GiB), `latency-ns` that
 * each request takes, and `read-zeroes`.
 *
 * Without `read-zeroes` nothing is promised of what is read.
 */
export const nullCo: BlockDriver = nullDriver('null-co');

/** `null-aio`: the same as {@link nullCo}. */
export const nullAio: BlockDriver = nullDriver('null-aio');
