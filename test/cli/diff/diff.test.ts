import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { introspect } from '../../../generator/schema/introspect.js';
import { folderWith, qapiTs } from '../command-line.js';
import { schemaOf, serve } from '../serve/serve.js';

const old = `{ 'enum': 'Mode', 'data': [ 'fast', 'safe' ] }
{ 'struct': 'Disk', 'data': { 'name': 'str', '*mode': 'Mode' } }
{ 'command': 'query-disks', 'returns': [ 'Disk' ] }
{ 'command': 'disk-add', 'data': 'Disk' }
{ 'command': 'x-try', 'data': { '*x': 'int' } }
`;
const now = old
  .replace("'fast', 'safe'", "'fast', 'slow', 'safe'")
  .replace("'name': 'str'", "'*name': 'str'")
  .replace("'*x': 'int'", '');
const files = { 'old.json': old, 'new.json': now };

async function diff(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  return await qapiTs(['diff', ...args], { cwd: folderWith({ ...files, ...more }) });
}

describe('qapi-ts diff', () => {
  test('diff tells people what breaks first, and what to do', async () => {
    const { code, stdout, stderr } = await diff(['old.json', 'new.json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`From old.json to new.json, conditions all true
3 changes: 2 break, 1 may surprise

Breaks clients
  disk-add, query-disks returns[].name [member-made-optional: receiver, server]
    member 'name' may be absent now
    = handle its absence
  x-try arguments.x [member-removed: sender, server]
    member 'x' is gone; it was unstable
    = stop sending it

May surprise clients
  disk-add, query-disks returns[].mode [enum-value-added: receiver, server]
    value 'slow' is new
    = have a default case for values that are not known
`);
  });

  test('--history says since when what is gone was deprecated', async () => {
    const marked = "{ 'command': 'go', 'features': [ 'deprecated' ] }\n";
    const more = {
      'a.json': "{ 'command': 'go' }\n",
      'b.json': marked,
      'c.json': marked,
      'd.json': "{ 'command': 'stop' }\n",
    };
    const args = ['c.json', 'd.json', '--history', '1.0=a.json', '--history', '2.0=b.json'];
    expect((await diff(args, more)).stdout).toContain('the command is gone; it was deprecated since 2.0\n');
    const { changes } = JSON.parse((await diff([...args, '--format', 'json'], more)).stdout);
    expect(changes[0]).toMatchObject({ deprecated: true, deprecatedSince: '2.0' });
    expect((await diff(['c.json', 'd.json', '--history', 'a.json'], more)).stderr).toContain('write NAME=SCHEMA');
    expect((await diff(['c.json', 'd.json', '--history', '1.0=none.json'], more)).code).toBe(1);
  });

  test('tells tools everything: kinds, entities, paths, roles and places', async () => {
    const { stdout } = await diff(['old.json', 'new.json', '--format', 'json']);
    const { changes, ...rest } = JSON.parse(stdout);
    expect(rest).toEqual({
      old: 'old.json',
      new: 'new.json',
      conditions: 'all true',
      counts: expect.arrayContaining([{ kind: 'member-removed', roles: 'sender, server', count: 1 }]),
    });
    expect(changes[0]).toEqual({
      code: 'QAPI6204',
      kind: 'member-made-optional',
      entities: ['disk-add', 'query-disks'],
      path: 'returns[].name',
      breaks: ['receiver', 'server'],
      severity: 'breaks',
      old: 'mandatory str',
      new: 'optional str',
      message: "member 'name' may be absent now",
      advice: 'handle its absence',
      uses: [
        { entity: 'query-disks', direction: 'received', path: 'returns[].name' },
        { entity: 'disk-add', direction: 'sent', path: 'arguments.name' },
      ],
      oldPlace: { file: 'old.json', line: 2, column: 31 },
      newPlace: { file: 'new.json', line: 2, column: 31 },
    });
  });

  test('makes GitHub annotate the new schema, or the old one for what is gone', async () => {
    const { stdout } = await diff(['old.json', 'new.json', '--format', 'github']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe(
      '::error file=new.json,line=2,col=31,title=QAPI6204 member-made-optional::disk-add, query-disks returns[].name: ' +
        "member 'name' may be absent now%0Ahandle its absence",
    );
    expect(lines[1]).toContain('::error file=old.json,line=5,');
    expect(lines[2]).toContain('::warning file=new.json,line=1,');
  });

  test('writes a page for release notes', async () => {
    const { stdout } = await diff(['old.json', 'new.json', '--format', 'markdown']);
    expect(stdout).toContain(
      '# From old.json to new.json, conditions all true\n\n3 changes: 2 break, 1 may surprise.\n',
    );
    expect(stdout).toContain('| `member-removed` | sender, server | 1 |');
    expect(stdout).toContain("- **x-try** `arguments.x`: member 'x' is gone; it was unstable (stop sending it)\n");
  });

  test('diff says so when nothing changes', async () => {
    const { code, stdout } = await diff(['old.json', 'old.json', '--fail-on', 'any']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'From old.json to old.json, conditions all true\nno change\n',
    });
  });

  test.each([
    ['sender', 1],
    ['receiver', 1],
    ['server', 1],
    ['source', 0],
    ['source,any', 1],
  ])('--fail-on %s exits with %i', async (role, code) => {
    expect((await diff(['old.json', 'new.json', '--fail-on', role])).code).toBe(code);
  });

  test.each(['source', 'any'])('--fail-on %s compares the names of types, too', async (role) => {
    const more = {
      'named.json': old.replaceAll('Disk', 'Drive'),
      'data.json': JSON.stringify(introspect(await schemaOf(old))),
    };
    expect((await diff(['old.json', 'named.json', '--fail-on', 'sender,receiver,server'], more)).code).toBe(0);
    const { code, stdout } = await diff(['old.json', 'named.json', '--fail-on', role], more);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("no type is called 'Disk' any more") });
    const other = await diff(['data.json', 'old.json', '--fail-on', role], more);
    if (role === 'any') expect(other).toMatchObject({ code: 0, stdout: expect.stringContaining('no change') });
    else expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/does not have the names of types/) });
  });

  test('--stable leaves out what was unstable', async () => {
    const { code, stdout } = await diff(['old.json', 'new.json', '--stable', '--fail-on', 'sender']);
    expect(code).toBe(0);
    expect(stdout).not.toContain('x-try');
  });

  test('a file says which changes count for nothing, and why', async () => {
    const rules = JSON.stringify([
      { kind: 'member-removed', entity: 'x-try', reason: 'we never sent it' },
      { path: 'returns[].name', reason: 'handled' },
      { kind: 'branch-added', reason: 'never' },
    ]);
    const args = ['old.json', 'new.json', '--ignore', 'rules.json', '--fail-on', 'sender'];
    const { code, stdout, stderr } = await diff(args, { 'rules.json': rules });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n1 change: 1 may surprise\n[\s\S]*\n2 ignored\n$/);
    expect(stderr).toBe('note: no change fits the rule {"kind":"branch-added"} (never)\n');
    const json = await diff([...args, '--format', 'json'], { 'rules.json': rules });
    const ignored = JSON.parse(json.stdout).changes.map((change: { ignored?: string }) => change.ignored);
    expect(ignored).toEqual(['handled', 'we never sent it', undefined]);
  });

  test.each([
    ['{', 'rules.json: '],
    ['{}', 'rules.json: it is not a list'],
    ['[ 1 ]', 'rules.json: its element 0 is not an object'],
    ['[ { "kind": "member-removed" } ]', "rules.json: its element 0 has no 'reason'"],
    ['[ { "reason": "x" } ]', 'has nothing but a reason'],
    ['[ { "kind": "member-remove", "reason": "x" } ]', "did you mean 'member-removed'?"],
    ['[ { "entities": "x", "reason": "x" } ]', "has the unknown key 'entities'"],
    ['[ { "path": 1, "reason": "x" } ]', "has no text as 'path'"],
  ])('refuses %s as such a file', async (text, complaint) => {
    const { code, stderr } = await diff(['old.json', 'new.json', '--ignore', 'rules.json'], { 'rules.json': text });
    expect(code).toBe(1);
    expect(stderr).toContain(complaint);
  });

  test('takes introspection data, and what a running program says', async () => {
    const infos = introspect(await schemaOf(now), { mask: true });
    const more = { 'infos.json': JSON.stringify(infos), 'reply.json': JSON.stringify({ return: infos }) };
    for (const name of ['infos.json', 'reply.json']) {
      const { stdout } = await diff(['old.json', name, '--format', 'json'], more);
      const { changes } = JSON.parse(stdout);
      expect(changes.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
        'enum-value-added',
        'member-made-optional',
        'member-removed',
      ]);
      expect(changes.every((change: object) => !('newPlace' in change))).toBe(true);
    }
    const socket = await serve({ dispatch: new Map(), handlers: {}, introspection: infos });
    expect((await diff(['new.json', socket])).stdout).toMatch(/all true\nno change\n$/);
  });

  test('compares what a configuration has', async () => {
    const conditional = `{ 'command': 'run', 'if': 'CONFIG_A' }`;
    const more = { 'a.json': conditional, 'b.json': '' };
    expect((await diff(['a.json', 'b.json'], more)).stdout).toContain('command-removed');
    expect((await diff(['a.json', 'b.json', '--define', 'CONFIG_A=off'], more)).stdout).toMatch(
      /conditions as given\nno change\n$/,
    );
    const json = await diff(['a.json', 'b.json', '--only-defined', '--format', 'json'], more);
    expect(JSON.parse(json.stdout)).toMatchObject({ conditions: 'as given', changes: [] });
  });

  test.each([
    [['old.json', 'gone.json'], 'gone.json'],
    [['old.json', 'wrong.json'], 'QAPI'],
    [['old.json', 'data.json'], 'data.json: it is JSON, but no introspection data: its element 0 has no name'],
    [['old.json', 'half.json'], 'half.json: it is neither a schema nor introspection data'],
    [['old.json', 'nowhere:1'], 'nowhere'],
    [['old.json', 'new.json', '--fail-on', 'sendre'], "did you mean 'sender'?"],
    [['old.json'], "missing required argument 'new'"],
  ])('says what is wrong with %j', async (args, complaint) => {
    const { code, stderr } = await diff(args, {
      'wrong.json': "{ 'command': 'run', 'data': 'Nothing' }",
      'data.json': '[ {} ]',
      'half.json': '[ {',
    });
    expect(code).toBe(1);
    expect(stderr).toContain(complaint);
  });
});

describe('qapi-ts generate --check', () => {
  test('says what the change of the schema means for clients', async () => {
    const cwd = folderWith({ 'schema.json': old });
    await qapiTs(['generate', 'schema.json', '-o', 'out'], { cwd });
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(cwd, 'schema.json'), now);
    const { code, stderr } = await qapiTs(['generate', 'schema.json', '-o', 'out', '--check'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('For clients of the schema: 3 changes: 2 break, 1 may surprise\n');
    expect(stderr).toContain("    member 'name' may be absent now\n");
    expect(stderr).toContain('out is not current');
  });
});
