import { describe, expect, test } from 'vitest';
import { junitReport } from '../../../testkit/conformance/junit.js';
import { folderWith, qapiTs, type Ran } from '../../cli/command-line.js';
import { schemaOf } from '../../cli/serve/serve.js';
import { type Deviation, serveSchema } from './model-server.js';

const general = `
{ 'pragma': { 'command-returns-exceptions': [ 'query-qmp-schema' ] } }
{ 'command': 'qmp_capabilities', 'data': { '*enable': [ 'str' ] }, 'allow-oob': true }
{ 'struct': 'Version', 'data': { 'major': 'int', 'minor': 'int', 'micro': 'int' } }
{ 'struct': 'VersionInfo', 'data': { 'qemu': 'Version', 'package': 'str' } }
{ 'command': 'query-version', 'returns': 'VersionInfo' }
{ 'struct': 'CommandInfo', 'data': { 'name': 'str' } }
{ 'command': 'query-commands', 'returns': [ 'CommandInfo' ] }
{ 'command': 'query-qmp-schema', 'returns': [ 'any' ], 'gen': false }
{ 'command': 'quit' }
{ 'struct': 'Load', 'data': { 'name': 'str' } }
{ 'struct': 'Disk', 'data': { 'name': 'str' } }`;

const full = `${general}
{ 'enum': 'Mode', 'data': [ 'fast', { 'name': 'vast', 'if': 'CONFIG_VAST' } ] }
{ 'struct': 'State', 'data': { 'mode': 'Mode', 'heat': { 'type': 'int', 'if': { 'not': 'CONFIG_COLD' } } } }
{ 'command': 'query-state', 'returns': 'State' }
{ 'command': 'query-load', 'returns': 'Load', 'if': { 'all': [ 'CONFIG_A', 'CONFIG_B' ] } }
{ 'command': 'disk-add', 'data': 'Disk' }
{ 'event': 'HOT', 'if': { 'not': 'CONFIG_COLD' } }`;

const reduced = `${general}
{ 'enum': 'Mode', 'data': [ 'fast' ] }
{ 'struct': 'State', 'data': { 'mode': 'Mode' } }
{ 'command': 'query-state', 'returns': 'State' }
{ 'command': 'disk-add', 'data': 'Disk' }`;

async function check(server: string, args: readonly string[] = [], deviation: Deviation = {}): Promise<Ran> {
  const cwd = folderWith({ 'schema.json': full });
  const socket = await serveSchema(await schemaOf(server), deviation);
  return qapiTs(['conformance', socket, '--schema', 'schema.json', '--timeout', '5', ...args], { cwd });
}

describe('what a condition excuses', () => {
  test('names what a condition excuses, and counts it as no failure', async () => {
    const { code, stdout } = await check(reduced);
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("∅ without CONFIG_VAST:\n    query-state.returns.mode='vast'\n");
    expect(stdout).toContain('∅ without CONFIG_A and CONFIG_B:\n    query-load\n');
    expect(stdout).toContain('∅ without not CONFIG_COLD:\n    query-state.returns.heat, HOT\n');
  });

  test('reports what a condition would excuse once the program announces it', async () => {
    const { code, stdout } = await check(full, [], {
      commands: (commands) => {
        const query = commands.get('query-state');
        if (query) commands.set('query-state', { ...query, returns: undefined as never, call: () => undefined });
      },
    });
    expect(code).toBe(1);
    expect(stdout).toContain('✗ query-state.returns: mode: missing');
    expect(stdout).toContain('✗ query-state.returns: heat: missing');
  });
});

describe('reports', () => {
  test('prints the report as JSON for tools', async () => {
    const { code, stdout } = await check(reduced, ['--format', 'json'], {
      commands: (commands) => commands.delete('query-state'),
    });
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      ok: false,
      program: expect.stringContaining('QEMU 1.2.3 at '),
      schema: 'schema.json',
    });
    expect(report.checks).toContainEqual({
      group: 'queries',
      name: 'query-state',
      status: 'failed',
      problems: ['query-state: it is described, but not there'],
      excused: [],
      requests: 1,
    });
    expect(report.checks).toContainEqual(
      expect.objectContaining({
        group: 'introspection',
        name: 'query-load',
        status: 'passed',
        excused: [{ path: 'query-load', condition: 'CONFIG_A and CONFIG_B' }],
      }),
    );
    expect(report.checks).toContainEqual(
      expect.objectContaining({ group: 'refusals', name: 'query-qmp-schema', status: 'skipped' }),
    );
  });

  test('prints the report as JUnit for CI', async () => {
    const { stdout } = await check(reduced, ['--format', 'junit'], {
      commands: (commands) => commands.delete('query-state'),
    });
    expect(stdout).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites name="QEMU 1\.2\.3 at [^"]+" tests="\d+" failures="\d+"/,
    );
    expect(stdout).toContain(
      '    <testcase classname="queries" name="query-state"><failure message="query-state: it is described, but not there">',
    );
    expect(stdout).toContain('<system-out>query-load: without CONFIG_A and CONFIG_B</system-out>');
  });

  test('quotes characters that XML has no form for', () => {
    const problems = ['a <b> & "c"\u0000\nd'];
    const text = junitReport({ program: 'p', schema: 's', checks: [{ group: 'events', name: 'X', problems }] });
    expect(text).toContain(
      '<failure message="a &lt;b&gt; &amp; &quot;c&quot;\ufffd&#10;d">a &lt;b&gt; &amp; &quot;c&quot;\ufffd&#10;d</failure>',
    );
  });
});

describe('with --execute-valid', () => {
  test('every command is executed, quit last', async () => {
    const called: string[] = [];
    const watch: Deviation = {
      commands: (commands) => {
        for (const [name, entry] of commands) {
          const { call } = entry;
          commands.set(name, {
            ...entry,
            call: (...parameters) => {
              called.push(name);
              return call(...parameters);
            },
          });
        }
      },
    };
    expect((await check(full, [], watch)).code).toBe(0);
    expect(called).toEqual(['query-state', 'query-load']);
    called.length = 0;
    const { code, stdout } = await check(full, ['--execute-valid'], watch);
    expect(code, stdout).toBe(0);
    expect(called).toContain('disk-add');
    expect(stdout).toMatch(/executions +7 passed/);
  });

  test('what a command returns without a result type is reported', async () => {
    const { stdout } = await check(full, ['--execute-valid'], {
      wire: (message) => {
        const { return: result } = message;
        const isEmpty = typeof result === 'object' && result !== null && Object.keys(result).length === 0;
        return isEmpty ? { ...message, return: { more: 1 } } : message;
      },
    });
    expect(stdout).toContain('✗ disk-add.returns: there is something, where the schema has nothing');
  });
});

describe('mistakes', () => {
  test('reports an address at which no program listens', async () => {
    const cwd = folderWith({ 'schema.json': full });
    const { code, stderr } = await qapiTs(['conformance', './none.sock', '--schema', 'schema.json'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot connect to \.\/none\.sock: no such socket/);
  });

  test('reports a program that hangs up', async () => {
    const { code, stdout } = await check(full, [], { hangUpOn: 'query-load' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ the connection to .* was closed by the peer.*; what follows was not checked\n/);
  });

  test('refuses a time that is no number', async () => {
    const { code, stderr } = await qapiTs(['conformance', 'x', '--timeout', 'soon'], { cwd: folderWith({}) });
    expect(code).toBe(1);
    expect(stderr).toContain('expected a number of seconds, more than 0');
  });
});
