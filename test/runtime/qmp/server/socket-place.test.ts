import { expect, it } from 'vitest';
import { listen } from '../../../../runtime/qmp/server/listen.js';
import { parseSocketPlace } from '../../../../runtime/qmp/server/socket-place.js';

it('formats the address of a server so that it can be read again, also for IPv6', async () => {
  const listener = await listen('tcp:[::1]:0', () => {});
  await listener.close();
  expect(parseSocketPlace(listener.address)).toEqual({ host: '::1', port: expect.any(Number) });
});
