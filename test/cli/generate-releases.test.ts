import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderWith, qapiTs } from './command-line.js';

const files = {
  'all/7.2/qapi/qapi-schema.json': "{ 'command': 'stop' }\n",
  'all/9.0-rc/qapi-schema.json': "{ 'command': 'stop' }\n{ 'command': 'cont' }\n",
  'all/notes/qapi-schema.json': '',
};

test.each(['all', '9.0=all/9.0-rc/qapi-schema.json,7.2=all/7.2/qapi/qapi-schema.json'])(
  'qapi-ts generate --releases %s writes one tree, and later only what differs',
  async (list) => {
    const cwd = folderWith(files);
    const first = await qapiTs(['generate', '--releases', list, '-o', 'out'], { cwd });
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^2 releases: out: 2 files \(2 written\) in /);
    expect(readFileSync(join(cwd, 'out/client.ts'), 'utf8')).toContain("export type Release = '7.2' | '9.0';");
    const again = await qapiTs(['generate', '--releases', list, '-o', 'out'], { cwd });
    expect(again.stdout).toContain('(all current)');
    const check = await qapiTs(['generate', '--releases', list, '-o', 'out', '--check'], { cwd });
    expect(check).toMatchObject({ code: 0, stdout: 'out is current: 2 files\n' });
  },
);

test.each([
  [['--releases', 'all'], /there is no folder to write to/],
  [['--releases', 'all', '-o', 'out', '--target', 'types'], /--releases and --target exclude each other/],
  [['schema.json', '--releases', 'all', '-o', 'out'], /--releases and a schema exclude each other/],
  [['--releases', 'nowhere', '-o', 'out'], /'nowhere' is no folder of releases/],
  [['--releases', 'all/notes', '-o', 'out'], /there are no releases in 'all\/notes'/],
  [['--releases', 'new=a.json', '-o', 'out'], /'new' is no release/],
  [['--releases', '9.0=', '-o', 'out'], /'9\.0=' is no release/],
  [['--releases', '9.0=a.json,9.0=b.json', '-o', 'out'], /release 9\.0 is named twice/],
  [['--releases', '9.0=a.json', '-o', 'out'], /a\.json/],
])('qapi-ts generate %j says what is wrong, and writes nothing', async (args, message) => {
  const cwd = folderWith(files);
  const { code, stderr } = await qapiTs(['generate', ...args], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(existsSync(join(cwd, 'out'))).toBe(false);
});
