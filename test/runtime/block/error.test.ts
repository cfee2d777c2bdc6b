import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { errnoNumber, errnoOfNumber, isErrno, strerror } from '../../../runtime/block/errno.js';
import { BlockError, blockErrorOf, errnoOf, ioError } from '../../../runtime/block/error.js';
import { QmpError } from '../../../runtime/qmp/error.js';

const systemError = (code: string, message = 'reported by Node.js') => Object.assign(new Error(message), { code });

describe('failures of the block layer', () => {
  it('a BlockError is an error that is sent to clients', () => {
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

  it('the failure of a request has the message of the system', () => {
    expect(ioError('ENOSPC')).toMatchObject({ code: 'ENOSPC', message: 'No space left on device' });
  });

  it('makes a BlockError of a system error', () => {
    expect(blockErrorOf(systemError('EACCES'))).toMatchObject({ code: 'EACCES', message: 'Permission denied' });
    expect(blockErrorOf(systemError('ENOENT'), "Could not open 'a'")).toMatchObject({
      code: 'ENOENT',
      message: "Could not open 'a': No such file or directory",
    });
    expect(blockErrorOf(systemError('ERR_STRANGE'))).toMatchObject({ code: 'EIO', message: 'reported by Node.js' });
    const cause = systemError('EIO');
    expect(blockErrorOf(cause).cause).toBe(cause);
  });

  it('keeps the code of an error when it adds what was being done', () => {
    const error = new BlockError('inner', { code: 'EBUSY' });
    expect(blockErrorOf(error)).toBe(error);
    expect(blockErrorOf(error, 'outer')).toMatchObject({ code: 'EBUSY', message: 'outer: inner', cause: error });
    const named = new BlockError('inner', { class: 'DeviceNotFound' });
    expect(blockErrorOf(named, 'outer').class).toBe('DeviceNotFound');
  });

  it('makes no BlockError of a TypeError', () => {
    const mistake = new TypeError('undefined is not a function');
    expect(() => blockErrorOf(mistake, 'context')).toThrow(mistake);
    expect(() => blockErrorOf('text')).toThrow('text');
    expect(() => blockErrorOf(Object.assign(new Error('numbered'), { code: 5 }))).toThrow('numbered');
  });

  it('keeps the name of an error code, or uses EIO', () => {
    expect(errnoOf(ioError('EPERM'))).toBe('EPERM');
    expect(errnoOf(systemError('ENOSPC'))).toBe('ENOSPC');
    for (const other of [systemError('ERR_STRANGE'), new Error('x'), 'text', undefined, { code: 'EPERM' }]) {
      expect(errnoOf(other)).toBe('EIO');
    }
  });
});

describe('names of failures', () => {
  it('recognises the names of error codes', () => {
    expect([isErrno('EIO'), isErrno('ENOMEDIUM')]).toEqual([true, true]);
    for (const name of ['EWHAT', 'toString', '__proto__', '', 5, undefined]) expect(isErrno(name)).toBe(false);
  });

  it('maps each name of an error code to the number of the system', () => {
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

  it('describes each error code in words', () => {
    expect([strerror('EIO'), strerror('EPERM'), strerror('ENOMEDIUM')]).toEqual([
      'Input/output error',
      'Operation not permitted',
      'No medium found',
    ]);
  });
});
