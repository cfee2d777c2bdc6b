import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schemaOf, userProgram } from '../upgrade/marked-program.js';
import { qapiTs } from './command-line.js';

const schema = `
{ 'pragma': { 'doc-required': false } }
{ 'command': 'disk-add', 'data': { 'name': 'str' }, 'returns': 'Disk' }
{ 'struct': 'Disk', 'data': { 'name': 'str' } }
{ 'command': 'halt' }
{ 'command': 'quit' }
`;

describe('qapi-ts scaffold server', () => {
  test('writes handlers that compile, and keeps them current', { timeout: 60_000 }, async () => {
    const program = userProgram({ 'schema.json': schema }, await schemaOf(schema));
    onTestFinished(program.remove);
    const run = () => qapiTs(['scaffold', 'server', '--schema', 'schema.json'], { cwd: program.folder });
    const handlers = join(program.folder, 'handlers.ts');
    expect(await run()).toEqual({ code: 0, stdout: 'handlers.ts: 2 handlers written\n', stderr: '' });
    expect(program.complaints()).toEqual([]);
    const written = readFileSync(handlers, 'utf8');
    expect(await run()).toEqual({ code: 0, stdout: 'handlers.ts: current\n', stderr: '' });
    const grown = schema.replace("'halt' }", "'pause' }");
    writeFileSync(join(program.folder, 'schema.json'), grown);
    expect((await run()).stdout).toBe('handlers.ts: 1 handler added (pause); 1 handler marked as gone (halt)\n');
    expect(readFileSync(handlers, 'utf8')).not.toBe(written);
    program.generate(await schemaOf(grown));
    // Only what is gone has to be removed by hand.
    expect(program.complaints()).toEqual([expect.stringMatching(/^handlers\.ts:\d+: .*'halt'|halt/)]);
  });

  test('says what it cannot do, and writes nothing', async () => {
    const program = userProgram({ 'schema.json': schema, 'other.ts': 'export const x = 1;\n' }, await schemaOf(schema));
    onTestFinished(program.remove);
    const run = (...args: string[]) =>
      qapiTs(['scaffold', ...args, '--schema', 'schema.json'], { cwd: program.folder });
    expect((await run('client')).stderr).toContain(
      "'client' is invalid for argument 'what'. Allowed choices are server",
    );
    expect((await run('server', '-o', 'none/h.ts')).stderr).toBe('error: there is no folder none\n');
    expect(await run('server', '-o', 'other.ts')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'error: other.ts cannot be updated: it has no object of the type CommandHandlers\n' +
        'nothing has been changed; name another file with -o to start anew\n',
    });
    writeFileSync(join(program.folder, 'bytes.ts'), Buffer.from([0x2f, 0x2f, 0xff]));
    expect((await run('server', '-o', 'bytes.ts')).stderr).toBe('error: bytes.ts is not UTF-8\n');
  });
});
