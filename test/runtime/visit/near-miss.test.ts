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
])('%s is near %s', (name, meant) => {
  expect(nearMiss(name, names)).toBe(meant);
});

it.each(['', 'x', 'zz', 'backing', 'constructor'])('%s is near nothing', (name) => {
  expect(nearMiss(name, names)).toBeUndefined();
});
