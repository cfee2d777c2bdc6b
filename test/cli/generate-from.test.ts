import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { introspect } from '../../generator/schema/introspect.js';
import { folderWith, qapiTs } from './command-line.js';
import { schemaOf, serve } from './serve/serve.js';

const text = `
  { 'enum': 'Mode', 'data': [ 'fast', 'safe' ] }
  { 'struct': 'Disk', 'data': { 'name': 'str', '*mode': 'Mode' } }
  { 'command': 'query-disks', 'returns': [ 'Disk' ] }
  { 'command': 'disk-add', 'data': 'Disk', 'features': [ 'deprecated' ] }`;

async function program(): Promise<string> {
  const introspection = introspect(await schemaOf(text), { mask: true });
  return serve({ dispatch: new Map(), handlers: {}, introspection, version: { major: 9, minor: 1, micro: 2 } });
}

describe('generate --from', () => {
  test('writes the types of a running program and says where they come from', async () => {
    const cwd = folderWith({});
    const from = await program();
    const { code, stdout, stderr } = await qapiTs(['generate', '--from', from, '-o', 'out'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^qmp\.json: 1 module, .*; out: \d+ files/);
    const types = readFileSync(join(cwd, 'out/qmp/types.ts'), 'utf8');
    expect(types).toContain('export interface DisksInfo {');
    expect(types).toContain('mode?: DisksInfoMode;');
    expect(readFileSync(join(cwd, 'out/qmp/client.ts'), 'utf8')).toContain('introspection of QEMU 9.1.2');
  });

  test('gives the same code at another address, which --check sees', async () => {
    const cwd = folderWith({});
    await qapiTs(['generate', '--from', await program(), '-o', 'out'], { cwd });
    const { code } = await qapiTs(['generate', '--from', await program(), '-o', 'out', '--check'], { cwd });
    expect(code).toBe(0);
  });

  test('takes the output from a configuration that names no schema', async () => {
    const cwd = folderWith({ 'qapi-ts.config.json': '{ "output": "made", "int64": "bigint" }' });
    expect((await qapiTs(['generate', '--from', await program()], { cwd })).code).toBe(0);
    expect(readFileSync(join(cwd, 'made/qmp/types.ts'), 'utf8')).toContain('DisksInfo');
  });

  test.each([
    [['schema.json'], 'a schema'],
    [['--watch'], '--watch'],
    [['--define', 'CONFIG_A'], '--define'],
    [['--dialect', '9.0'], '--dialect'],
    [['--only-defined'], '--only-defined'],
  ])('refuses %j beside it', async (args, name) => {
    const { code, stderr } = await qapiTs(['generate', '--from', 'x', '-o', 'out', ...args], { cwd: folderWith({}) });
    expect({ code, stderr }).toEqual({ code: 1, stderr: `error: --from and ${name} exclude each other\n` });
  });

  test.each([
    [{}, 'its element 0 has no name'],
    [{ name: 'x', 'meta-type': 'verb' }, "'x' has no known meta-type"],
    [{ name: 'x', 'meta-type': 'object', members: [{ name: 'y' }] }, "'x' has no valid 'members'"],
    [{ name: 'x', 'meta-type': 'command', 'arg-type': '0' }, "'x' has no valid 'ret-type'"],
  ])('says so when the program describes itself by %j', async (info, complaint) => {
    const from = await serve({ dispatch: new Map(), handlers: {}, introspection: [info] });
    const { code, stderr } = await qapiTs(['generate', '--from', from, '-o', 'out'], { cwd: folderWith({}) });
    expect(code).toBe(1);
    expect(stderr).toBe(`error: what query-qmp-schema returned is no introspection data: ${complaint}\n`);
  });

  test('reports an address at which no program listens', async () => {
    const { code, stderr } = await qapiTs(['generate', '--from', './none.sock', '-o', 'out'], { cwd: folderWith({}) });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: cannot connect to ./none.sock: no such socket; does the program run, with a QMP monitor there?\n' +
        'an address is the path of a unix socket, or host:port\n',
    );
  });
});
