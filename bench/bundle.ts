/**
 * How much a program carries that imports the client and uses three commands: minified and gzipped, beside the same program with
 * validation and with node-qemu.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** The target, in bytes. */
const TARGET = 6 * 1024;

const project = join(import.meta.dirname, '..');

const USE = `
await client.execute('query-block-jobs');
await client.execute('blockdev-add', { driver: 'null-co', 'node-name': 'n' });
await client.execute('blockdev-del', { 'node-name': 'n' });
await client.close();
`;

const programs = {
  'types only': `
    import { connect } from 'qapi-ts/runtime';
    import type { Commands, Events } from './generated/index.js';
    const client = await connect<{ commands: Commands; events: Events }>('/run/qmp.sock');
    ${USE}`,
  'with back-off': `
    import { backOff, connect } from 'qapi-ts/runtime';
    const client = await connect('/run/qmp.sock', { reconnect: backOff() });
    ${USE}`,
  validating: `
    import { checkedBy, connect } from 'qapi-ts/runtime';
    import * as generated from './generated/index.js';
    const client = await connect('/run/qmp.sock', { validate: 'strict', schema: checkedBy(generated) });
    ${USE}`,
  'node-qemu': `
    import { QMPClient } from 'node-qemu';
    const client = new QMPClient({ socketPath: '/run/qmp.sock' });
    await client.connect();
    ${USE}`,
};

for (const [name, contents] of Object.entries(programs)) {
  const { outputFiles } = await build({
    stdin: { contents, loader: 'ts', resolveDir: project },
    alias: { 'qapi-ts/runtime': join(project, 'runtime/index.ts') },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    write: false,
  });
  const minified = outputFiles[0]?.contents ?? new Uint8Array();
  const gzipped = gzipSync(minified, { level: 9 }).length;
  const verdict = name === 'types only' ? `  target ${TARGET}: ${gzipped <= TARGET ? 'met' : 'missed'}` : '';
  console.log(
    `${name.padEnd(16)}${String(minified.length).padStart(8)} minified${String(gzipped).padStart(8)} gzipped${verdict}`,
  );
}
