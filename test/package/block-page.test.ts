import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { createImage } from '../../runtime/block/graph/create.js';
import { connect } from '../../runtime/index.js';
import { compile } from '../generator/emit/compile.js';
import { LayerClient } from '../runtime/block/layer-client.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'block-page-'));
afterAll(() => rmSync(folder, { recursive: true }));

const page = readFileSync(join(root, 'docs/block.md'), 'utf8');
const [, example = ''] = /^```ts storage\.ts\n(.*?)^```/ms.exec(page) ?? [];
const file = join(folder, 'storage.ts');
writeFileSync(file, example);
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');

test('the server of docs/block.md compiles', async () => {
  const ofExample = (await compile([file])).filter((line) => line.includes('storage.ts'));
  expect(ofExample).toEqual([]);
});

test('it serves a driver of its own', async () => {
  const outfile = join(folder, 'storage.js');
  const alias = {
    'qapi-ts/runtime': join(root, 'runtime/index.ts'),
    'qapi-ts/block': join(root, 'runtime/block/index.ts'),
  };
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    alias,
    external: ['koffi'],
  });
  const address = `unix:${join(folder, 'qmp.sock')}`;
  const program = spawn(process.execPath, [outfile, address], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise((resolve) => program.once('exit', resolve));
  try {
    const client = await retried(() => connect(address));
    const [node] = (await client.execute('query-named-block-nodes')) as { 'node-name': string; drv: string }[];
    expect(node).toMatchObject({ 'node-name': 's', drv: 'stripes', image: { 'virtual-size': 1 << 20 } });
    await client.execute('quit');
    expect(await ended).toBe(0);
  } finally {
    program.kill();
  }
});

/** The program needs a moment until it listens. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

test('a secondary side replicates by the commands of docs/block.md', async () => {
  await using client = new LayerClient();
  const { graph } = client.layer;
  for (const [format, name] of [
    ['raw', 'disk.raw'],
    ['qcow2', 'active.qcow2'],
    ['qcow2', 'hidden.qcow2'],
  ] as const) {
    await createImage(graph, { format, filename: join(folder, name), size: 2 ** 20 });
  }
  const [, commands = ''] = /^## Replication$.*?^```json\n(.*?)^```/ms.exec(page) ?? [];
  const steps = commands.trim().split(/\n(?=\{)/);
  expect(steps).toHaveLength(5);
  for (const step of steps) {
    const here = step.replaceAll(/"([\w]+\.(?:raw|qcow2|sock))"/g, (_, name: string) =>
      JSON.stringify(join(folder, name)),
    );
    const { execute, arguments: args } = JSON.parse(here) as { execute: string; arguments: object };
    await client.execute(execute, execute === 'blockdev-add' ? { options: args } : args);
  }
  expect(await client.execute('query-xen-replication-status')).toEqual({ error: false });
});
