import { describe, expect, test } from 'vitest';
import { folderWith, qapiTs } from './command-line.js';

const schema = "{ 'struct': 'Disk', 'data': { 'size': 'size' } }\n{ 'command': 'query-disk', 'returns': 'Disk' }\n";
const cwd = (): string => folderWith({ 'a.json': schema, 'bad.json': "{ 'command': 'x', 'data': 'Y' }\n" });

describe('qapi-ts ir', () => {
  test('prints the model as JSON', async () => {
    const { code, stdout, stderr } = await qapiTs(['ir', 'a.json'], { cwd: cwd() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { modules } = JSON.parse(stdout) as {
      modules: { name: string; entities: { kind: string; name: string }[] }[];
    };
    expect(modules.map(({ name }) => name)).toEqual(['./builtin', 'a.json']);
    expect(modules[1]?.entities.map(({ kind, name }) => [kind, name])).toEqual([
      ['object', 'Disk'],
      ['command', 'query-disk'],
    ]);
  });
});

describe('qapi-ts introspect', () => {
  test('prints what query-qmp-schema returns', async () => {
    const { code, stdout } = await qapiTs(['introspect', 'a.json'], { cwd: cwd() });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toContainEqual({
      'meta-type': 'command',
      name: 'query-disk',
      'arg-type': 'q_empty',
      'ret-type': 'Disk',
    });
  });

  test('--mask hides the names of types', async () => {
    const { stdout } = await qapiTs(['introspect', '--mask', '-'], { cwd: cwd(), stdin: schema });
    expect(stdout).toContain('"query-disk"');
    expect(stdout).not.toContain('"Disk"');
  });

  test('prints introspection in the form of the release', async () => {
    const { stdout } = await qapiTs(['introspect', '--dialect', '2.12', 'a.json'], { cwd: cwd() });
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ name: 'query-disk', 'allow-oob': false }));
  });
});

test.each(['ir', 'introspect'])('%s says what is wrong with a schema, and prints nothing', async (command) => {
  const { code, stdout, stderr } = await qapiTs([command, 'bad.json'], { cwd: cwd() });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('--> bad.json:1:');
});
