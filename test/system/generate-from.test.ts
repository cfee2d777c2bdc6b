import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spawnQemu, spawnStorageDaemon } from '../../runtime/qmp/spawn.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { compile } from '../generator/emit/compile.js';
import { describeWithPrograms } from './programs.js';

const programs = [
  ['daemon', spawnStorageDaemon, 'NamedBlockNodesInfo'],
  ['emulator', spawnQemu, 'CpusFastInfo'],
] as const;

describeWithPrograms('code from the introspection of a program', ['qemu-storage-daemon', 'qemu-system-x86_64'], () => {
  test('the code that is generated from a running program compiles', { timeout: 120_000 }, async () => {
    const cwd = folderWith({ 'package.json': '{ "type": "module" }' });
    for (const [folder, spawn, type] of programs) {
      await using program = await spawn();
      await program.client.close();
      const { code, stderr } = await qapiTs(['generate', '--from', program.socket, '-o', folder], { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(readFileSync(join(cwd, folder, 'qmp/types.ts'), 'utf8')).toMatch(
        new RegExp(`^export .*\\b${type}\\b`, 'm'),
      );
    }
    expect(await compile(programs.map(([folder]) => join(cwd, folder)))).toEqual([]);
  });
});
