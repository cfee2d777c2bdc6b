import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nbdParameters } from '../../../runtime/block/commands/nbd-option.js';
import { deviceParameters } from '../../../runtime/block/drive/device.js';
import { cacheModes, driveAliases, driveOptions, throttleOptions } from '../../../runtime/block/drive/options.js';
import { folderWith, qapiTs } from '../command-line.js';

const page = readFileSync(join(import.meta.dirname, '../../../docs/serve.md'), 'utf8');

/** The arguments of the lines that start a server, in examples of a text. */
function commandLines(text: string): string[][] {
  return [...text.matchAll(/^ *\$ qapi-ts serve (.*?)(?: &)?$/gm)].map(([, line = '']) =>
    [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
  );
}

describe('docs/serve.md', () => {
  test('shows examples that work, and so does the help', async () => {
    const folder = folderWith({});
    mkdirSync(join(folder, 'images'));
    const { stdout: help } = await qapiTs(['serve', '--help']);
    const lines = [...commandLines(page), ...commandLines(help)];
    expect(lines.length).toBeGreaterThan(8);
    for (const line of lines) {
      const args = line.map((word) => (word === '/srv/images' ? join(folder, 'images') : word));
      expect(await qapiTs(['serve', '--check-config', ...args]), line.join(' ')).toMatchObject({ code: 0, stderr: '' });
    }
  });

  test('says what to write instead of what QEMU takes', async () => {
    const [, table = ''] = page.split('## From QEMU');
    const here = [...table.matchAll(/\| `(--\w+ unix[^`]*|--drive [^`]*)` \|$/gm)].map(([, line = '']) =>
      line.split(' '),
    );
    expect(here.length).toBeGreaterThan(2);
    for (const args of here) {
      const node = ['--blockdev', 'null-co,node-name=n'];
      expect(await qapiTs(['serve', '--check-config', ...node, ...args]), args.join(' ')).toMatchObject({ code: 0 });
    }
  });

  test('explains all options and parameters', () => {
    const ranges = Object.keys(throttleOptions).filter((name) => /-max(-length)?$/.test(name));
    const explained = [
      ...[...Object.keys(driveOptions), ...Object.keys(driveAliases)].filter((name) => !ranges.includes(name)),
      ...['throttling.bps-total-max', 'throttling.iops-write-max', 'throttling.bps-total-max-length'],
      ...[...Object.keys(deviceParameters), ...Object.keys(nbdParameters), ...Object.keys(cacheModes)],
    ];
    expect(explained.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  test('lists all options of the command line, as docs/cli.md does', async () => {
    const { stdout: help } = await qapiTs(['serve', '--help']);
    const options = [...help.matchAll(/^ {2}(--[\w-]+(?: <\w+>)?)/gm)].map(([, option = '']) => option);
    expect(options.length).toBeGreaterThan(10);
    const overview =
      readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8').split('## `serve`')[1] ?? '';
    for (const text of [page, overview]) {
      expect(options.filter((option) => !text.includes(`\`${option}\``))).toEqual([]);
    }
  });
});
