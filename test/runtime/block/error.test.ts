import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { errnoNumber, errnoOfNumber, isErrno, strerror } from '../../../runtime/block/errno.js';
import { BlockError, blockErrorOf, errnoOf, ioError } from '../../../runtime/block/error.js';
import { QmpError } from '../../../runtime/qmp/error.js';

const systemError = (code: string, message = 'told by Node.js') => Object.assign(new Error(message), { code });

describe('failures of the block layer', () => {
  it('are errors that clients are told of', () => {
    const error = new BlockError('what went wrong');
    expect(error).toBeInstanceOf(QmpError);
    expect(error).toMatchObject({ name: 'BlockError', message: 'what went wrong', code: 'EIO', class: 'GenericError' });
    const cause = new Error('why');
    expect(new BlockError('x', { code: 'EBUSY', class: 'DeviceNotFound', cause })).toMatchObject({
      code: 'EBUSY',
      class: 'DeviceNotFound',
      cause,
    });
  });

  it('of requests say what the system says', () => {
    expect(ioError('ENOSPC')).toMatchObject({ code: 'ENOSPC', message: 'No space left on device' });
  });

  it('are made of what the system reports', () => {
    expect(blockErrorOf(systemError('EACCES'))).toMatchObject({ code: 'EACCES', message: 'Permission denied' });
    expect(blockErrorOf(systemError('ENOENT'), "Could not open 'a'")).toMatchObject({
      code: 'ENOENT',
      message: "Could not open 'a': No such file or directory",
    });
    expect(blockErrorOf(systemError('ERR_STRANGE'))).toMatchObject({ code: 'EIO', message: 'told by Node.js' });
    const cause = systemError('EIO');
    expect(blockErrorOf(cause).cause).toBe(cause);
  });

  it('stay what they are, with what was being done before them', () => {
    const error = new BlockError('inner', { code: 'EBUSY' });
    expect(blockErrorOf(error)).toBe(error);
    expect(blockErrorOf(error, 'outer')).toMatchObject({ code: 'EBUSY', message: 'outer: inner', cause: error });
    const named = new BlockError('inner', { class: 'DeviceNotFound' });
    expect(blockErrorOf(named, 'outer').class).toBe('DeviceNotFound');
  });

  it('are not made of mistakes in our own code', () => {
    const mistake = new TypeError('undefined is not a function');
    expect(() => blockErrorOf(mistake, 'context')).toThrow(mistake);
    expect(() => blockErrorOf('text')).toThrow('text');
    expect(() => blockErrorOf(Object.assign(new Error('numbered'), { code: 5 }))).toThrow('numbered');
  });

  it('have the name of the system, or EIO', () => {
    expect(errnoOf(ioError('EPERM'))).toBe('EPERM');
    expect(errnoOf(systemError('ENOSPC'))).toBe('ENOSPC');
    for (const other of [systemError('ERR_STRANGE'), new Error('x'), 'text', undefined, { code: 'EPERM' }]) {
      expect(errnoOf(other)).toBe('EIO');
    }
  });
});

describe('names of failures', () => {
  it('are known or not', () => {
    expect([isErrno('EIO'), isErrno('ENOMEDIUM')]).toEqual([true, true]);
    for (const name of ['EWHAT', 'toString', '__proto__', '', 5, undefined]) expect(isErrno(name)).toBe(false);
  });

  it('have the numbers of the system, each its own', () => {
    expect([errnoNumber('EIO'), errnoNumber('ENOSPC'), errnoNumber('ENOMEDIUM')]).toEqual([
      constants.errno.EIO,
      constants.errno.ENOSPC,
      123,
    ]);
    for (const name of [
      'EPERM',
      'EIO',
      'EAGAIN',
      'EINVAL',
      'ENOSPC',
      'ENOTSUP',
      'ENOMEDIUM',
      'EDQUOT',
      'ESHUTDOWN',
    ] as const) {
      expect(errnoOfNumber(errnoNumber(name))).toBe(name);
    }
    expect(errnoOfNumber(99999)).toBe('EIO');
    expect(errnoOfNumber(0)).toBe('EIO');
  });

  it('have words', () => {
    expect([strerror('EIO'), strerror('EPERM'), strerror('ENOMEDIUM')]).toEqual([
      'Input/output error',
      'Operation not permitted',
      'No medium found',
    ]);
  });
});
