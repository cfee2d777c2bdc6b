import { readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type MockAgentOptions, mockAgent } from '../../testkit/index.js';
import { folderWith, qapiTs } from './command-line.js';
import { schemaOf } from './serve/serve.js';

const schema = await schemaOf(`
  { 'pragma': { 'command-returns-exceptions': [ 'guest-file-open', 'guest-fsfreeze-thaw' ] } }
  { 'enum': 'Kind', 'data': [ 'lan', 'wlan' ] }
  { 'struct': 'Card', 'data': { 'name': 'str', 'kind': 'Kind', '*speed': 'int' } }
  { 'command': 'guest-network-get-cards', 'returns': [ 'Card' ] }
  { 'command': 'guest-get-card', 'data': { 'name': 'str' }, 'returns': 'Card' }
  { 'command': 'guest-get-odds', 'returns': [ 'Card' ] }
  { 'command': 'guest-file-open', 'data': { 'path': 'str' }, 'returns': 'int' }
  { 'command': 'guest-fsfreeze-thaw', 'returns': 'int' }
  { 'command': 'guest-set-card', 'data': { 'name': 'str' } }
  { 'command': 'guest-shutdown', 'success-response': false }
  { 'command': 'guest-levitate' }`);

const command = (name: string, returns: string, args = ''): string => String.raw`.SS \fB${name}\fP (Command)
.sp
Does what its name says.
${
  args &&
  String.raw`.SS Arguments
.INDENT 0.0
.TP
.B \fB${args}\fP: \fBstring\fP
which one
.UNINDENT`
}
.SS Returns
.sp
${returns}
`;

/** A page of these commands, as QEMU's documentation is built. */
const page = String.raw`.TH "QEMU-GA-REF" "7" "May 1, 2026" "9.1.2" "QEMU"
.SH NAME
.SS \fBKind\fP (Enum)
.SS Values
.INDENT 0.0
.TP
.B \fBlan\fP
.TP
.B \fBwlan\fP
.UNINDENT
.SS \fBCard\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBname\fP: \fBstring\fP
what it is called
.TP
.B \fBkind\fP: \fBKind\fP
.TP
.B \fBspeed\fP: \fBint\fP (optional)
.UNINDENT
${command('guest-network-get-cards', 'All there are.')}${command('guest-get-card', String.raw`\fBCard\fP`, 'name')}
${command('guest-get-odds', 'What is left.')}${command('guest-file-open', 'A handle.', 'path')}
${command('guest-fsfreeze-thaw', 'Number of file systems.')}${command('guest-set-card', 'Nothing on success.', 'name')}
${command('guest-shutdown', '')}${command('guest-ping', '')}${command('guest-sync', 'What was given.', 'id')}
.SH COPYRIGHT
`;

/** Generates from an agent, with a program beside whose page it is found; returns what that printed, and the commands. */
async function generated(options: MockAgentOptions<object>, manual = page) {
  const root = folderWith({ 'bin/qemu-ga': '#!/bin/sh\n', 'share/man/man7/qemu-ga-ref.7': manual });
  await chmod(join(root, 'bin/qemu-ga'), 0o755);
  const agent = await mockAgent<object>(schema, options);
  onTestFinished(() => agent.close());
  const cwd = folderWith({});
  const args = ['generate', '--agent', '--from', agent.address, '-o', 'out'];
  const { code, stderr } = await qapiTs(args, { cwd, env: { PATH: join(root, 'bin') } });
  const client = code === 0 ? readFileSync(join(cwd, 'out/agent/client.ts'), 'utf8') : '';
  const returned = Object.fromEntries(
    [...client.matchAll(/^ {2}'(guest-.*)': \{ arguments: (.*); returns: (.*) \};$/gm)].map(([, name, , type]) => [
      name,
      type,
    ]),
  );
  return { code, stderr, returned, client, agent };
}

test('an agent without a schema has the types of its manual page, and results as they were seen', async () => {
  const { code, stderr, returned, client, agent } = await generated({ version: '9.1.0', disabled: ['guest-shutdown'] });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(returned).toEqual({
    'guest-sync': 'Int64',
    'guest-sync-delimited': 'JsonValue',
    'guest-ping': 'void',
    'guest-info': 'JsonValue',
    'guest-network-get-cards': 'Card[]',
    'guest-get-card': 'Card',
    'guest-get-odds': 'Card[]',
    'guest-file-open': 'JsonValue',
    'guest-fsfreeze-thaw': 'Int64',
    'guest-set-card': 'void',
    'guest-levitate': 'JsonValue',
  });
  expect(client).toContain('Does what its name says.');
  const asked = agent.calls.map((call) => call.command);
  expect(asked.filter((name) => name !== 'guest-info')).toEqual(['guest-network-get-cards', 'guest-get-odds']);
});

test('what a result does not tell is any value', async () => {
  const handlers = { 'guest-get-odds': () => [], 'guest-network-get-cards': () => Promise.reject(new Error('none')) };
  const { returned } = await generated({ version: '9.1.0', handlers });
  expect(returned).toMatchObject({ 'guest-get-odds': 'JsonValue[]', 'guest-network-get-cards': 'JsonValue' });
});

test('an agent without a schema or a page of its release says which schema to name', async () => {
  const other = await generated({ version: '7.2.1' });
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('qemu-ga-ref(7) is that of QEMU 9.1.2') });
  expect(other.stderr).toContain("qga/qapi-schema.json of QEMU's source");
  const none = await generated({ version: '9.1.0' }, '');
  expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('qemu-ga-ref(7) is not installed') });
});
