import { describe, expect, test } from 'vitest';
import { schemaFromIntrospection } from '../../../generator/schema/from-introspection.js';
import { introspect } from '../../../generator/schema/introspect.js';
import { loadSchema } from '../../../generator/schema/load.js';
import { readManualPage } from '../../../generator/schema/manual/page.js';
import type { Schema } from '../../../generator/schema/model.js';
import { memoryHost } from '../../../generator/syntax/host.js';

const schemaText = `
{ 'enum': 'Speed', 'data': [ 'low', 'high' ] }
{ 'struct': 'Base', 'data': { 'id': 'str' } }
{ 'struct': 'Fan', 'base': 'Base', 'data': { 'speed': 'Speed', '*notes': [ 'str' ] } }
{ 'struct': 'Lamp', 'base': 'Base', 'data': { '*bright': 'bool' } }
{ 'union': 'Thing', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind', 'data': { 'fan': 'Fan', 'lamp': 'Lamp' } }
{ 'enum': 'Kind', 'data': [ 'fan', 'lamp' ] }
{ 'alternate': 'FanOrId', 'data': { 'whole': 'Fan', 'name': 'str' } }
{ 'command': 'query-fans', 'returns': [ 'Fan' ] }
{ 'command': 'add', 'data': 'Thing', 'boxed': true }
{ 'command': 'stop', 'data': { 'what': 'FanOrId', '*gently': 'bool' } }
{ 'event': 'FAN_STOPPED', 'data': { 'id': 'str' } }
`;

/** A page as QEMU's documentation is built, about the schema above. */
const page = String.raw`.TH "SOME-REF" "7" "May 1, 2026" "7.2.1" "QEMU"
.SH NAME
some-ref \- a reference
.SS Contents
.SH FANS
.SS \fBSpeed\fP (Enum)
.sp
How fast.
.SS Values
.INDENT 0.0
.TP
.B \fBlow\fP
not fast
.TP
\fBhigh\fP (\fBIf: \fP\fBCONFIG_X\fP)
fast
.UNINDENT
.SS \fBBase\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBid\fP: \fBstring\fP
its name; it\(aqs \(dqunique\(dq
.UNINDENT
.SS \fBFan\fP (Object)
.sp
A fan, with \fBspeed\fP.
.SS Members
.INDENT 0.0
.TP
.B \fBspeed\fP: \fBSpeed\fP
how fast:
.INDENT 7.0
.IP \(bu 2
slowly
.IP \(bu 2
@id: quickly
.UNINDENT
.TP
.B \fBnotes\fP: \fBarray of string\fP (optional)
Not documented
.TP
.B The members of \fBBase\fP
.UNINDENT
.SS Since
.sp
2.0
.SS \fBLamp\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBbright\fP: \fBboolean\fP (optional)
whether
.TP
.B The members of \fBBase\fP
.UNINDENT
.SS \fBKind\fP (Enum)
.SS Values
.INDENT 0.0
.TP
.B \fBfan\fP
a fan
.TP
.B \fBlamp\fP
a lamp
.UNINDENT
.SS \fBThing\fP (Object)
.SS Members
.INDENT 0.0
.TP
.B \fBkind\fP: \fBKind\fP
what it is
.TP
.B The members of \fBFan\fP when \fBkind\fP is \fB\(dqfan\(dq\fP
.TP
.B The members of \fBLamp\fP when \fBkind\fP is \fB\(dqlamp\(dq\fP
.UNINDENT
.SS \fBFanOrId\fP (Alternate)
.SS Members
.INDENT 0.0
.TP
.B \fBwhole\fP: \fBFan\fP
the fan
.TP
.B \fBname\fP: \fBstring\fP
its name
.UNINDENT
.SS \fBquery\-fans\fP (Command)
.sp
Lists them.
.sp
@all: of them
.SS Returns
.sp
a list of \fBFan\fP
.SS Example
.INDENT 0.0
.INDENT 3.5
.sp
.nf
.ft C
\-> { \(dqexecute\(dq: \(dqquery\-fans\(dq }
.ft P
.fi
.UNINDENT
.UNINDENT
.SS \fBadd\fP (Command)
.SS Arguments
.INDENT 0.0
.TP
.B The members of \fBThing\fP
.UNINDENT
.SS \fBstop\fP (Command)
.SS Arguments
.INDENT 0.0
.TP
.B \fBwhat\fP: \fBFanOrId\fP
what to stop
.TP
.B \fBgently\fP: \fBboolean\fP (optional)
whether gently
.UNINDENT
.SS \fBFAN_STOPPED\fP (Event)
.sp
A fan has stopped.
.SS Arguments
.INDENT 0.0
.TP
.B \fBid\fP: \fBstring\fP
its name
.UNINDENT
.SH INDEX
`;

async function load(text: string): Promise<Schema> {
  const host = memoryHost({ 'schema.json': text });
  const { schema, diagnostics } = await loadSchema('schema.json', { host, advice: false });
  if (!schema || diagnostics.length > 0) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

async function joined(manual: string): Promise<Schema> {
  const source = await load(`{ 'pragma': { 'doc-required': false } }\n${schemaText}`);
  return load(schemaFromIntrospection(introspect(source, { mask: true }), 'it', readManualPage(manual)));
}

describe('schemaFromIntrospection with a manual page', () => {
  test('gives every type the name that the page has for it', async () => {
    const schema = await joined(page);
    const names = schema.definitions.filter(({ implicit }) => !implicit).map(({ name }) => name);
    expect(names.sort()).toEqual(
      ['FAN_STOPPED', 'Fan', 'FanOrId', 'Kind', 'Lamp', 'Speed', 'Thing', 'add', 'query-fans', 'stop'].sort(),
    );
    const alternate = schema.lookup('FanOrId');
    expect(alternate?.kind === 'alternate' && alternate.branches.map(({ name }) => name)).toEqual(['whole', 'name']);
  });

  test('takes the documentation from the page, of a base where that has it', async () => {
    const schema = await joined(page);
    const fan = schema.lookup('Fan')?.doc;
    expect(fan?.body).toBe('A fan, with @speed.');
    expect(fan?.arguments.map(({ name, text }) => [name, text])).toEqual([
      ['id', 'its name; it\'s "unique"'],
      ['speed', 'how fast:\n\n- slowly\n\n- @id: quickly'],
    ]);
    expect(fan?.sections.map(({ tag, text }) => [tag, text])).toEqual([['Since', '2.0']]);
    const query = schema.lookup('query-fans')?.doc;
    expect(query?.body).toBe('Lists them.\n\nall – of them');
    expect(query?.sections.find(({ tag }) => tag === 'Returns')?.text).toBe('a list of @Fan');
    expect(query?.sections.find(({ tag }) => tag === 'Example')?.text).toContain('-> { "execute": "query-fans" }');
    expect(schema.lookup('stop')?.doc?.arguments.map(({ text }) => text)).toEqual(['what to stop', 'whether gently']);
  });

  test('leaves a type without a name that has members which the page does not know', async () => {
    const schema = await joined(page.replaceAll('bright', 'brightness'));
    expect(schema.lookup('Lamp')).toBeUndefined();
    expect(schema.lookup('Fan')).toBeDefined();
  });

  test('makes a valid schema with a page that ends anywhere, and with none of its kind', async () => {
    for (let end = 0; end < page.length; end += 97) await joined(page.slice(0, end));
    expect(readManualPage('.SS \\fBx\\fP (Verb)\nsome text').definitions.size).toBe(0);
  });
});
