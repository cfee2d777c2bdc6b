import { expect, test } from 'vitest';
import { QmpClient } from '../../../runtime/qmp/client.js';
import type { SchemaSince } from '../../../runtime/qmp/schema.js';
import { since } from '../../../runtime/qmp/since.js';

interface Releases extends SchemaSince {
  since: { '7.2': Releases; '9.0': Releases; '10.1': Releases };
}

/** A client, as far as it matters here. */
function clientOf(major: number, minor: number): QmpClient<Releases> {
  const version = { qemu: { major, minor, micro: 50 }, package: '' };
  const greeting = { version, capabilities: [] };
  return Object.create(QmpClient.prototype, { greeting: { value: greeting } });
}

test.each([
  [9, 0, '9.0', true],
  [9, 1, '9.0', true],
  [10, 0, '9.0', true],
  [8, 2, '9.0', false],
  [9, 2, '10.1', false],
  [10, 1, '10.1', true],
  [7, 2, '7.2', true],
] as const)('a server of %i.%i, asked for %s: %s', (major, minor, release, expected) => {
  const client = clientOf(major, minor);
  expect(client.since(release)).toBe(expected ? client : undefined);
  expect(since(client, release)).toBe(expected ? client : undefined);
});
