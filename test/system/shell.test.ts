import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { esbuildHandlebars } from '../../handlebars-plugin.mjs';
import { type SpawnedProgram, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { describeWithPrograms } from './programs.js';

async function daemon(): Promise<string> {
  const program: SpawnedProgram<never> = await spawnStorageDaemon();
  onTestFinished(async () => void (await program.close()));
  // A monitor talks to one client at a time.
  await program.client.close();
  return program.socket;
}

describeWithPrograms('a shell for the storage daemon', ['qemu-storage-daemon'], () => {
  test('the shell runs a script', async () => {
    const lines = [
      'blockdev-add driver=null-co node-name=disk0 size=1M',
      'blockdev-add driver=raw node-name=top file=disk0 offset=64K',
      'query-named-block-nodes flat=on',
      'blockdev-del {"node-name": "top"}',
      'blockdev-del node-name=nothing',
      'query-jobs',
    ];
    const { code, stdout, stderr } = await qapiTs(['shell', await daemon()], { stdin: lines.join('\n') });
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(results).toMatchObject([{}, {}, [{ 'node-name': 'top' }, { 'node-name': 'disk0' }], {}]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: GenericError: .*\nin: blockdev-del node-name=nothing\n$/);
  });

  // The program of util-linux that runs others at a terminal of their own.
  test.skipIf(spawnSync('which', ['script']).status !== 0)('the shell works at a terminal', async () => {
    const socket = await daemon();
    // Beside the packages that it imports.
    const folder = mkdtempSync(join(import.meta.dirname, '../../node_modules/.shell-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const program = join(folder, 'main.mjs');
    await build({
      // What `main.ts` starts, without what it keeps for the next run.
      stdin: {
        contents: "import { runInProcess } from './cli/process.js'; await runInProcess();",
        resolveDir: join(import.meta.dirname, '../..'),
      },
      outfile: program,
      bundle: true,
      format: 'esm',
      platform: 'node',
      plugins: [esbuildHandlebars],
      banner: {
        js: "import { createRequire as make } from 'node:module'; const require = make(import.meta.url);",
      },
    });
    const terminal = spawn('script', ['-qec', `${process.execPath} ${program} shell ${socket}`, '/dev/null'], {
      env: { ...process.env, NO_COLOR: '1', TERM: 'xterm', XDG_STATE_HOME: folderWith({}) },
    });
    onTestFinished(() => void terminal.kill());
    let shown = '';
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk;
    });
    const sees = async (what: string): Promise<void> => {
      for (let waited = 0; !shown.includes(what); waited += 20) {
        if (waited > 15_000) throw new Error(`${JSON.stringify(what)} is not in ${JSON.stringify(shown)}`);
        await delay(20);
      }
      shown = shown.slice(shown.indexOf(what) + what.length);
    };
    const type = (keys: string): void => void terminal.stdin.write(keys);

    await sees('Connected to QEMU');
    await sees('qmp> ');
    type('blockdev-add driver=null-co node-name=disk0\r');
    await sees('{}');
    type('blockdev-d\t');
    await sees('blockdev-del ');
    type('node-name=\t');
    await sees('disk0');
    type('\r');
    await sees('{}');
    type('exit\r');
    const code = await new Promise((resolve) => terminal.once('close', resolve));
    expect(code).toBe(0);
  });
});
