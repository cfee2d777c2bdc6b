import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { JsonObject } from '../../runtime/json/value.js';
import { connect } from '../../runtime/qmp/client.js';
import { spawnQemu } from '../../runtime/qmp/spawn.js';
import { certificates } from './certificates.js';
import { describeWithPrograms } from './programs.js';
import { has } from './release.js';

describeWithPrograms('a monitor behind TLS', ['qemu-system-x86_64', 'openssl'], () => {
  /** A real emulator with such a monitor: its port, and how to connect to it. */
  async function emulator() {
    const folder = certificates();
    const qemu = await spawnQemu({
      args: [
        ...['-machine', 'none', '-display', 'none', '-nodefaults'],
        ...['-object', `tls-creds-x509,id=creds,dir=${folder},endpoint=server,verify-peer=off`],
        ...['-qmp', 'tcp:127.0.0.1:0,server=on,wait=off,tls-creds=creds'],
      ],
    });
    onTestFinished(async () => void (await qemu.close()));
    const chardevs = (await qemu.client.execute('query-chardev')) as JsonObject[];
    const [port] = chardevs.flatMap(({ filename }) => /:127\.0\.0\.1:(\d+)/.exec(String(filename))?.[1] ?? []);
    const where = { host: '127.0.0.1', port: Number(port), ca: readFileSync(join(folder, 'ca-cert.pem')) };
    const open = async (maxVersion?: SecureVersion): Promise<TLSSocket> => {
      const socket = connectTls({ ...where, ...(maxVersion && { maxVersion }) });
      await once(socket, 'secureConnect');
      return socket;
    };
    return { where: `127.0.0.1:${port}`, open };
  }

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'the client talks %s with it, also with many commands at once',
    async (version) => {
      const { open } = await emulator();
      await using client = await connect(() => open(version));
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => client.execute('query-status', {}, { timeout: 5000 })),
      );
      expect(answers).toHaveLength(50);
    },
  );

  test('a record that is longer than those of the client is read, or the client reports that it is not', async () => {
    const { open } = await emulator();
    const connecting = connect(
      async () => {
        const socket = await open();
        // As through a tunnel, whose records are as long as it likes.
        const writable = new PassThrough();
        writable.pipe(socket);
        return { readable: socket, writable };
      },
      { connectTimeout: 500 },
    );
    const outcome = await connecting.then(
      (client) => client.close().then(() => 'connected'),
      (error: unknown) => String(error),
    );
    // Releases up to 7.2, at least, do not read the end of what was sent like that.
    if (has('TLS records are read to their end')) expect(outcome).toBe('connected');
    else expect(outcome).toMatch(/^connected$|: the peer greeted, but did not answer qmp_capabilities within 500 ms/);
  });

  test('the client reports that it waits for a handshake', async () => {
    const { where } = await emulator();
    await expect(connect(where, { connectTimeout: 500 })).rejects.toThrow(
      /(wait for a TLS or websocket handshake, did not greet within 500 ms|closed by the peer before it greeted)/,
    );
  });
});
