import { expect, it } from 'vitest';
import { nearMiss } from '../../../runtime/visit/near-miss.js';

const names = ['read-only', 'filename', 'file', 'aio', 'node-name', 'cache'];

it.each([
  ['read_only', 'read-only'],
  ['readonly', 'read-only'],
  ['Filename', 'filename'],
  ['filenmae', 'filename'],
  ['flie', 'file'],
  ['fil', 'file'],
  ['cahce', 'cache'],
  ['nodename', 'node-name'],
])('the nearest name to %s is %s', (name, meant) => {
  expect(nearMiss(name, names)).toBe(meant);
});

it.each(['', 'x', 'zz', 'backing', 'constructor'])('no name is near %s', (name) => {
  expect(nearMiss(name, names)).toBeUndefined();
});
