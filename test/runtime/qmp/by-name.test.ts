import { expect, test, vi } from 'vitest';
import { byName, withNames } from '../../../runtime/qmp/by-name.js';

test('a member calls the function with its name', () => {
  const call = vi.fn((name: string, ...rest: number[]) => `${name}: ${rest.join()}`);
  expect(byName(call)['query-block']?.(1, 2)).toBe('query-block: 1,2');
  expect(withNames(call).STOP?.(3)).toBe('STOP: 3');
  expect(withNames(call)('STOP', 4)).toBe('STOP: 4');
});

test('names that every object knows are names like others', () => {
  const object = byName((name: string) => name);
  expect(['constructor', '__proto__', 'toString', 'call'].map((name) => object[name]?.())).toEqual([
    'constructor',
    '__proto__',
    'toString',
    'call',
  ]);
});

test('a member stays the same', () => {
  const object = byName((name: string) => name);
  expect(object.stop).toBe(object.stop);
});

test('an object with a member for every name is no promise', async () => {
  const object = byName((name: string) => name);
  expect(await object).toBe(object);
});

test('what every function has stays', () => {
  const call = withNames((name: string) => name);
  expect(call.call(undefined, 'STOP' as never)).toBe('STOP');
  expect(call.name).toBe('');
});
