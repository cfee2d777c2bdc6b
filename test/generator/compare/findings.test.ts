import { describe, expect, test } from 'vitest';
import { changesBetween, lineOf } from './compared.js';

const mode = (...values: string[]): string =>
  `{ 'enum': 'Mode', 'data': [ ${values.map((v) => `'${v}'`).join(', ')} ] }`;

describe('a change of a shared type', () => {
  const users = `
    { 'struct': 'Inner', 'data': { 'far': 'Outer', 'm': 'Mode' } }
    { 'struct': 'Outer', 'data': { 'in': 'Inner' } }
    { 'command': 'run', 'data': { 'm': 'Mode', 'o': 'Outer' }, 'returns': [ 'Outer' ] }
    { 'command': 'stop', 'data': { 'list': [ 'Mode' ] } }
    { 'event': 'DONE', 'data': { 'o': 'Outer' } }`;

  test('the change is one, with every command and event, its directions and the shortest path', async () => {
    const [added, removed, ...others] = (await changesBetween(users + mode('a', 'b'), users + mode('b', 'c'))).sort(
      (one, two) => one.kind.localeCompare(two.kind),
    );
    expect(others).toEqual([]);
    expect(removed).toMatchObject({ kind: 'enum-value-removed', entities: ['DONE', 'run', 'stop'], old: 'a' });
    expect(removed?.breaks).toEqual(['sender', 'server']);
    expect(removed?.uses).toEqual([
      { entity: 'run', direction: 'sent', path: 'arguments.m' },
      { entity: 'stop', direction: 'sent', path: 'arguments.list[]' },
      { entity: 'DONE', direction: 'received', path: 'data.o.in.m' },
      { entity: 'run', direction: 'received', path: 'returns[].in.m' },
    ]);
    expect(added).toMatchObject({ kind: 'enum-value-added', severity: 'may surprise', path: 'data.o.in.m', new: 'c' });
  });

  test('the change is one also where it comes by a base that many branches share', async () => {
    const shared = (members: string): string => `
      { 'enum': 'Kind', 'data': [ 'a', 'b', 'c' ] }
      { 'struct': 'Base', 'data': { ${members} } }
      { 'struct': 'Aa', 'base': 'Base', 'data': { 'x': 'int' } } { 'struct': 'Bb', 'base': 'Base', 'data': {} }
      { 'union': 'Uu', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'a': 'Aa', 'b': 'Bb' } }
      { 'command': 'run', 'data': 'Uu', 'boxed': true }`;
    expect((await changesBetween(shared(''), shared("'*y': 'int'"))).map(lineOf)).toEqual([
      'optional-member-added run>arguments.y [kind=a|b]',
    ]);
  });

  test('the change is one also where only some places show it in a branch', async () => {
    const shared = (members: string): string => `
      { 'enum': 'Kind', 'data': [ 'a', 'b' ] }
      { 'struct': 'Address', 'data': { ${members} } }
      { 'union': 'Uu', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'a': 'Address' } }
      { 'command': 'run', 'data': 'Uu', 'boxed': true } { 'event': 'DONE', 'data': 'Address' }`;
    const [change, ...others] = await changesBetween(shared("'x': 'int'"), shared("'*x': 'int'"));
    expect(others).toEqual([]);
    expect(change).not.toHaveProperty('branch');
    expect(change?.uses).toEqual([
      { entity: 'DONE', direction: 'received', path: 'data.x' },
      { entity: 'run', direction: 'sent', path: 'arguments.x', branch: [{ tag: 'kind', values: ['a'] }] },
    ]);
  });

  test('the comparison ends where types contain themselves', async () => {
    const tree = (members: string): string => `
      { 'struct': 'Tree', 'data': { '*left': 'Tree', '*right': [ 'Tree' ], ${members} } }
      { 'event': 'DONE', 'data': { 't': 'Tree' } }`;
    expect((await changesBetween(tree("'x': 'int'"), tree("'x': 'str'"))).map(lineOf)).toEqual([
      'type-changed DONE>data.t.x receiver!',
    ]);
  });
});

describe('what a change says', () => {
  test('every change has a code, old and new, places on both sides, and what to do', async () => {
    const old = `{ 'command': 'run',\n  'data': { 'x': 'int' } }`;
    const now = `# longer\n{ 'command': 'run', 'data': { '*x': 'int' }, 'returns': 'Rr' }\n{ 'struct': 'Rr', 'data': {} }`;
    const [change] = await changesBetween(now.replace("'*x'", "'x'"), now);
    expect(change).toMatchObject({ code: 'QAPI6204', old: 'mandatory int', new: 'optional int', breaks: ['server'] });
    const [narrowed] = await changesBetween(old, old.replace("'int'", "'str'"));
    expect(narrowed).toMatchObject({ code: 'QAPI6403', advice: 'send the new type' });
    expect(narrowed?.oldPlace?.file.lineAt(narrowed.oldPlace.start)).toBe(2);
  });

  test('a change says whether it was deprecated or unstable, by itself or by what contains it', async () => {
    const command = (feature: string, members: string): string =>
      `{ 'command': 'run', 'data': { ${members} } ${feature && `, 'features': [ '${feature}' ]`} }`;
    const [removed] = await changesBetween(
      command('', "'*x': { 'type': 'int', 'features': [ 'deprecated' ] }"),
      command('', ''),
    );
    expect(removed).toMatchObject({
      deprecated: true,
      severity: 'breaks',
      message: expect.stringContaining('it was deprecated'),
    });
    const [inside] = await changesBetween(command('unstable', "'*x': 'int'"), command('unstable', ''));
    expect(inside).toMatchObject({ unstable: true });
    const [byName] = await changesBetween(command('', "'*x-y': 'int'"), command('', ''));
    expect(byName).toMatchObject({ unstable: true });
  });

  test('a change of a mark does not say of the mark what it was', async () => {
    const marked = "{ 'command': 'run', 'features': [ 'deprecated' ] }";
    const unstable = "{ 'command': 'run', 'features': [ 'unstable' ] }";
    expect((await changesBetween(marked, unstable)).map(({ message }) => message).sort()).toEqual([
      'the command is not deprecated any more',
      'the command is unstable now; it was deprecated',
    ]);
  });

  test('a change is stable when one place that shows it is', async () => {
    const users = `
      { 'command': 'x-run', 'data': { 'm': 'Mode' } } { 'command': 'run', 'data': { 'm': 'Mode' } }`;
    const [change] = await changesBetween(users + mode('a', 'b'), users + mode('a'));
    expect(change?.unstable).toBeUndefined();
  });

  test('a change names what came in the place of what is gone', async () => {
    const [removed] = await changesBetween("{ 'command': 'x-run' }", "{ 'command': 'run' }");
    expect(removed?.advice).toBe("stop issuing it; it looks renamed: see 'run'");
    const values = (...names: string[]): string => `${mode(...names)} { 'command': 'run', 'data': { 'm': 'Mode' } }`;
    const changes = await changesBetween(values('x-multifd', 'a'), values('multifd', 'a'));
    expect(changes.find(({ kind }) => kind === 'enum-value-removed')?.advice).toContain("see 'multifd'");
  });

  test('a change says that a server does not check arguments where it generates no code for them', async () => {
    const run = (members: string): string => `{ 'command': 'run', 'data': { ${members} }, 'gen': false }`;
    const [change] = await changesBetween(run(''), run("'x': 'int'"));
    expect(change).toMatchObject({ notEnforced: true, breaks: ['sender'] });
    expect(change?.message).toContain('does not enforce');
  });

  test('a change says that a member that existed under a condition was absent from other builds', async () => {
    const event = (member: string): string =>
      `{ 'struct': 'Dd', 'data': { ${member} } } { 'event': 'DONE', 'data': 'Dd', 'boxed': true }`;
    const changes = await changesBetween(event("'x': { 'type': 'int', 'if': 'A' }"), event("'*x': 'int'"));
    expect(changes.map(({ kind }) => kind)).toEqual(['member-made-optional', 'condition-changed']);
    expect(changes[0]?.message).toContain('existed under a condition before');
  });

  test('a change says what breaks a server: what clients send and it must understand, and what it must send', async () => {
    const run = (sent: string, received: string): string =>
      `{ 'command': 'run', 'data': { ${sent} }, 'returns': 'Rr' } { 'struct': 'Rr', 'data': { ${received} } }`;
    const servers = async (old: string, now: string): Promise<boolean> =>
      (await changesBetween(old, now)).some(({ breaks }) => breaks.includes('server'));
    expect(await servers(run('', ''), run('', "'x': 'int'"))).toBe(true);
    expect(await servers(run('', ''), run('', "'*x': 'int'"))).toBe(false);
    expect(await servers(run("'x': 'int'", ''), run("'*x': 'int'", ''))).toBe(true);
    expect(await servers(run("'*x': 'int'", ''), run("'x': 'int'", ''))).toBe(false);
    expect(await servers('', "{ 'command': 'run' }")).toBe(true);
    expect(await servers('', "{ 'event': 'DONE' }")).toBe(false);
  });
});

describe('what introspection does not show', () => {
  test('what introspection lacks is left out where one side is made of it', async () => {
    const old = "{ 'command': 'run', 'data': { 'x': 'int' }, 'if': 'A', 'allow-preconfig': true }";
    const now = "{ 'command': 'run', 'data': { 'x': 'uint8' } }";
    expect(await changesBetween(old, now, { introspection: true })).toEqual([]);
    expect((await changesBetween(old, now)).map(({ kind }) => kind).sort()).toEqual([
      'condition-changed',
      'integer-range-narrowed',
      'preconfig-lost',
    ]);
  });
});

describe('what is beside the wire', () => {
  test('names of types are compared when that is wanted', async () => {
    const named = (name: string): string =>
      `{ 'struct': '${name}', 'data': {} } { 'command': 'run', 'returns': '${name}' }`;
    expect(await changesBetween(named('DiskInfo'), named('DriveInfo'))).toEqual([]);
    const changes = await changesBetween(named('DiskInfo'), named('DriveInfo'), { source: true });
    expect(changes).toMatchObject([
      { kind: 'type-name-removed', breaks: ['source'], entities: [], old: 'DiskInfo' },
      { kind: 'type-name-added', breaks: [], entities: [], new: 'DriveInfo' },
    ]);
  });

  test('documentation is compared when that is wanted, however its lines break', async () => {
    const documented = (text: string): string => `##\n# @run:\n#\n${text}\n##\n{ 'command': 'run' }`;
    const [one, same, other] = ['# Run it\n# now.', '# Run\n# it now.', '# Stop.'].map(documented) as [
      string,
      string,
      string,
    ];
    expect(await changesBetween(one, same, { documentation: true })).toEqual([]);
    expect(await changesBetween(one, other, { documentation: true })).toMatchObject([
      { kind: 'documentation-changed', entities: ['run'], breaks: [], severity: 'compatible' },
    ]);
  });
});
