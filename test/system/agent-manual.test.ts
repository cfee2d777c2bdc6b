import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { agentInput } from '../../cli/agent-input.js';
import type { Host } from '../../cli/host.js';
import { loadSchema } from '../../generator/schema/load.js';
import { readManualPage } from '../../generator/schema/manual/page.js';
import type { ObjectType, Schema, Type } from '../../generator/schema/model.js';
import { commonMembers } from '../../testkit/model-members.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { describeWithPrograms } from './programs.js';
import { realAgent } from './real-agent.js';

/** The page has to be where the command line finds it: a container's image may have left it out. */
const installed = '/usr/share/man/man7/qemu-ga-ref.7.gz';
const page = existsSync(installed) ? gunzipSync(readFileSync(installed)).toString() : '';
const { version } = readManualPage(page);
const is72 = version.startsWith('7.2.');
if (!is72) {
  const why = page === '' ? `there is no ${installed}` : `the manual page is that of QEMU ${version}`;
  process.stderr.write(`SKIPPED: the comparison of the agent's manual page with its schema of 7.2: ${why}\n`);
}

/** The environment that finds the agent and its page. */
const env = { PATH: process.env.PATH ?? '' };

describeWithCorpus("the manual page of the guest agent of 7.2, beside the agent's schema", 'releases/7.2/qga', () => {
  describeWithPrograms('the schema that is made of page and agent', ['qemu-ga'], () => {
    test.runIf(is72)(
      'types and arguments made from page and agent are those of the schema, and no command returns another type than there',
      { timeout: 60_000 },
      async () => {
        const input = await agentInput('exec:qemu-ga', { cwd: folderWith({}), env } as unknown as Host);
        const made = await loadSchema(input.schema, { host: input.files, advice: false });
        expect(made.diagnostics).toEqual([]);
        const known = await loadSchema(corpusPath('releases/7.2/qga/qapi-schema.json'), { advice: false });
        if (!known.schema || !made.schema) throw new Error('a schema is not valid');
        const [real, written] = [wireOf(known.schema), wireOf(made.schema)];
        expect([...written].filter(([name, { shape }]) => shape !== real.get(name)?.shape)).toEqual([]);
        expect(written.size).toBeGreaterThan(75);

        const results = [...written].filter(([, { returns }]) => returns !== undefined);
        const unknown = results.filter(([, { returns = '' }]) => returns.startsWith('any'));
        const wrong = results.filter(([name, result]) => result.returns !== real.get(name)?.returns);
        expect(wrong.filter((result) => !unknown.includes(result))).toEqual([]);
        expect(results.length).toBeGreaterThan(30);
        expect(unknown.length).toBeLessThan(results.length / 4);
      },
    );
  });
});

describeWithPrograms('generate --agent without a schema', ['qemu-ga'], () => {
  test.runIf(is72)('writes the commands that the agent has and may execute', { timeout: 60_000 }, async () => {
    const { socket } = await realAgent('-b', 'guest-exec');
    const cwd = folderWith({});
    const { code, stderr } = await qapiTs(['generate', '--agent', '--from', socket, '-o', 'out'], { cwd, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const client = readFileSync(join(cwd, 'out/agent/client.ts'), 'utf8');
    expect(client).toContain(
      "'guest-get-vcpus': { arguments: Record<string, never>; returns: GuestLogicalProcessor[] }",
    );
    expect(client).toContain('Echo back a unique integer value');
    expect(client).not.toContain("'guest-exec':");
  });
});

/** By name, what definitions have on the wire: members and arguments; and what commands return. */
function wireOf(schema: Schema): Map<string, { shape: string; returns?: string }> {
  const wire = new Map<string, { shape: string; returns?: string }>();
  for (const definition of schema.definitions) {
    const { kind, name } = definition;
    if (kind === 'enum') wire.set(name, { shape: definition.members.map((member) => member.name).join() });
    else if (kind === 'alternate') wire.set(name, { shape: definition.branches.map(entryOf).join() });
    else if (kind === 'struct' || kind === 'union') {
      if (!name.startsWith('q_')) wire.set(name, { shape: shapeOf(definition) });
    } else if (kind === 'command') {
      const { arguments: args, returns, successResponse } = definition;
      const shape = `${args && args.kind !== 'alternate' ? shapeOf(args) : ''} ${successResponse}`;
      wire.set(name, { shape, returns: returns ? nameOf(returns) : 'nothing' });
    }
  }
  return wire;
}

function shapeOf(type: ObjectType): string {
  const branches = type.kind === 'union' ? type.branches.filter((branch) => branch.type.members.length > 0) : [];
  // A page has members in the order of their documentation.
  return [...commonMembers(type, () => true), ...branches].map(entryOf).sort().join();
}

function entryOf(entry: { readonly name: string; readonly optional?: boolean; readonly type: Type }): string {
  return `${entry.name}${entry.optional ? '?' : ''}: ${nameOf(entry.type)}`;
}

/** The name of a type. A page has lost the widths of integers. */
function nameOf(type: Type): string {
  if (type.kind === 'array') return `${nameOf(type.element)}[]`;
  return type.kind === 'builtin' && type.json === 'int' ? 'int' : type.name;
}
