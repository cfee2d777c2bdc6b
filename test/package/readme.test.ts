import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../../generator/emit/generate.js';
import { writeFiles } from '../../generator/emit/output/write.js';
import { loadSchema } from '../../generator/schema/load.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { pretty } from '../../generator/text/report/pretty.js';
import { editorFor } from '../language-service.js';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The block of code with an info string. */
function block(info: string): string {
  const start = readme.indexOf(`\n\`\`\`${info}\n`) + `\n\`\`\`${info}\n`.length;
  return readme.slice(start, readme.indexOf('```', start));
}

const mistakes = `
import { connect } from 'qapi-ts/runtime';
import type { Commands, Disk, Events } from './generated/client.js';

declare const disk: Disk;
const client = await connect<{ commands: Commands; events: Events }>('/run/disks.sock');
// @ts-expect-error: the name of the command
await client.execute('disk-ad', { id: 'd0', format: 'raw', size: 1 });
// @ts-expect-error: a missing argument
await client.execute('disk-add', { id: 'd0', format: 'raw' });
// @ts-expect-error: a member of another branch
await client.execute('disk-add', { id: 'd0', format: 'raw', size: 1, backing: 'a' });
// @ts-expect-error: a value that the enum does not have
await client.execute('disk-add', { id: 'd0', format: 'rwa', size: 1 });
// @ts-expect-error: a member that only one branch has
export const backing = disk.backing;
`;

const settings = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    paths: { 'qapi-ts/runtime': [join(root, 'runtime/index.ts')] },
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
  },
};

describe('what the README shows', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qapi-ts-readme-'));
    const { schema } = await loadSchema('disks.json', { host: memoryHost({ 'disks.json': block('qapi') }) });
    if (!schema) throw new Error('the schema is not valid');
    mkdirSync(join(folder, 'generated'));
    writeFiles(join(folder, 'generated'), generate(schema));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    writeFileSync(join(folder, 'client.ts'), block('ts client.ts'));
    writeFileSync(join(folder, 'server.ts'), block('ts server.ts'));
    writeFileSync(join(folder, 'mistakes.ts'), mistakes);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('the README compiles, and the mistakes that it names do not', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    expect(spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }).stdout).toBe('');
  });

  test('the client of the README talks to its server', async () => {
    await build({
      absWorkingDir: folder,
      entryPoints: ['client.ts', 'server.ts'],
      outdir: folder,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      alias: { 'qapi-ts/runtime': join(root, 'runtime/index.ts') },
    });
    const socket = join(folder, 'disks.sock');
    const server = spawn(process.execPath, ['server.js', socket], { cwd: folder, stdio: 'inherit' });
    try {
      await expect
        .poll(() => execFileSync('ls', [folder], { encoding: 'utf8' }), { timeout: 5000 })
        .toContain('disks.sock');
      const printed = execFileSync(process.execPath, ['client.js', socket], { cwd: folder, encoding: 'utf8' });
      expect(printed).toBe('d0: 1099511627776 bytes, on top of base.img\nd0 is full\n');
    } finally {
      server.kill();
    }
  });

  test('the README shows what an editor shows over the name of a command', () => {
    const paths = readdirSync(join(root, 'generated'), { recursive: true, encoding: 'utf8' });
    const files = paths
      .filter((path) => path.endsWith('.ts'))
      .map((path): [string, string] => {
        const text = readFileSync(join(root, 'generated', path), 'utf8');
        return [`generated/${path}`, text.replaceAll(/(?<=from ')[./]*runtime\/index\.js(?=')/g, 'qapi-ts/runtime')];
      });
    const editor = editorFor(Object.fromEntries(files));
    const program = block('ts resize.ts');
    expect(editor.complaints(program)).toEqual([]);
    const shown = editor.hover(program.replace('commands.block_resize', 'commands.⟦block_resize⟧'));
    const [text] = shown?.text.split('@example') ?? [];
    expect(`${shown?.signature}\n\n${text}`).toBe(block('text hover'));
  });

  test('the README shows what check prints about the mistake', async () => {
    const text = block('qapi').replace("'format': 'DiskFormat'", "'format': 'DiskFromat'");
    const { diagnostics } = await loadSchema('disks.json', { host: memoryHost({ 'disks.json': text }) });
    expect(diagnostics.map((diagnostic) => pretty(diagnostic)).join('')).toBe(block('text'));
  });
});
