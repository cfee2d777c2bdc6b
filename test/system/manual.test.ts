import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { schemaFromIntrospection } from '../../generator/schema/from-introspection.js';
import { introspect } from '../../generator/schema/introspect.js';
import { loadSchema } from '../../generator/schema/load.js';
import { nameByManual } from '../../generator/schema/manual/join.js';
import { readManualPage } from '../../generator/schema/manual/page.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { corpusPath, describeWithCorpus } from '../corpus.js';
import { manualPages } from './manual-page.js';
import { describeWithPrograms } from './programs.js';
import { versionOf } from './release.js';

const { pages, missing } = manualPages();
const page = readManualPage(pages.get('qemu-qmp-ref') ?? '');
const is72 = page.version.startsWith('7.2.');
if (!is72) {
  const why = missing || `the manual page is that of QEMU ${page.version}`;
  process.stderr.write(`SKIPPED: the comparison of 7.2's manual page with its schema: ${why}\n`);
}

/** Text without markup, and wherever its lines break: a page has lost how its source was marked. */
const plain = (text: string): string =>
  text
    .replace(/[@\x60*'"\\]|::/g, '')
    .replace(/\s+/g, ' ')
    .trim();

describeWithCorpus("the manual page of QEMU 7.2, beside its schema's introspection", 'releases/7.2', () => {
  test.runIf(is72)(
    'the page gives at least 95 % of the types their names, and of the members their documentation',
    async () => {
      const { schema } = await loadSchema(corpusPath('releases/7.2/qapi/qapi-schema.json'), { advice: false });
      if (!schema) throw new Error('the schema of the corpus is not valid');
      const masked = introspect(schema, { mask: true });
      const names = introspect(schema).map(({ name }) => name);
      const named = nameByManual(masked, page);
      const types = named.flatMap(({ name, 'meta-type': kind }, index) =>
        /^(object|enum|alternate)$/.test(kind) && !names[index]?.startsWith('q_') ? [{ name, real: names[index] }] : [],
      );
      const wrong = types.filter(({ name, real }) => name !== real && !/^\d+$/.test(name));
      expect(wrong).toEqual([]);
      const right = types.filter(({ name, real }) => name === real);
      expect(types.length).toBeGreaterThan(500);
      expect(right.length / types.length).toBeGreaterThan(0.95);

      const text = schemaFromIntrospection(masked, 'QEMU 7.2', page);
      const made = await loadSchema('made.json', { host: memoryHost({ 'made.json': text }), advice: false });
      expect(made.diagnostics).toEqual([]);
      const members = schema.definitions.flatMap(({ name, doc }) => {
        const other = made.schema?.lookup(name)?.doc;
        if (!doc || !other) return [];
        const documented = doc.arguments.filter((argument) => argument.text.trim() !== '');
        return documented.map((argument) => ({
          text: plain(argument.text),
          found: plain(other.arguments.find((entry) => entry.name === argument.name)?.text ?? ''),
        }));
      });
      expect(members.length).toBeGreaterThan(2000);
      expect(members.filter(({ text: real, found }) => real === found).length / members.length).toBeGreaterThan(0.95);
    },
  );
});

const programs = ['qemu-storage-daemon', 'qemu-system-x86_64', 'qemu-ga'];
/** What is said of a manual page of another release than a program's. */
function noteFor(command: string): string {
  const [program = ''] = command.split(' ');
  if (page.version === '' || page.version === versionOf(program)) return '';
  return `note: the manual page is that of QEMU ${page.version}, and so is left alone\n`;
}

describeWithPrograms('generate --from exec:', programs, () => {
  test('starts a program, asks it, and leaves nothing behind', { timeout: 60_000 }, async () => {
    const cwd = folderWith({});
    const temporary = folderWith({});
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const command of ['qemu-storage-daemon', 'qemu-system-x86_64 -machine none']) {
      const made = await qapiTs(['generate', '--from', `exec:${command}`, '-o', 'out'], {
        cwd,
        env: realEnvironment(),
      });
      expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: noteFor(command) });
      const types = readFileSync(join(cwd, 'out/qmp/types.ts'), 'utf8');
      expect(types).toContain(
        is72 && noteFor(command) === '' ? 'export interface BlockDeviceInfo {' : 'export interface NamedBlockNodesInfo',
      );
      expect(readdirSync(temporary)).toEqual([]);
    }
  });

  test('asks at the socket that the command line itself makes', { timeout: 60_000 }, async () => {
    const cwd = folderWith({});
    const command = 'qemu-system-x86_64 -machine none -display none -qmp unix:own.sock,server';
    const { code, stderr } = await qapiTs(['generate', '--from', `exec:${command}`, '-o', 'out'], { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: noteFor(command) });
  });

  test('asks a guest agent which commands it has', { timeout: 60_000 }, async () => {
    const schema = "{ 'command': 'guest-ping' }\n{ 'command': 'guest-levitate' }\n";
    const cwd = folderWith({ 'agent.json': schema });
    const args = ['generate', 'agent.json', '--agent', '--from', 'exec:qemu-ga', '-o', 'out'];
    const { code, stderr } = await qapiTs(args, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('guest-info') });
    const client = readFileSync(join(cwd, 'out/agent/client.ts'), 'utf8');
    expect(client).toContain("'guest-ping'");
    expect(client).not.toContain('guest-levitate');
  });
});

describe('generate --from exec: of what is no program of QEMU', () => {
  test.each([
    [
      "exec:sh -c 'echo broken >&2; exit 3'",
      /^error: sh ended with status 3 before it could be connected to: broken\n/,
    ],
    ['exec:no-such-program', /^error: cannot start no-such-program: it is not installed\n/],
    ['exec:', /^error: exec: needs the command line of a program\n/],
    ["exec:'open", /^error: the quote ' in ''open' is not closed\n/],
  ])('%s is a clear error, and nothing is written', async (from, message) => {
    const cwd = folderWith({});
    const { code, stderr } = await qapiTs(['generate', '--from', from, '-o', 'out'], { cwd });
    expect(stderr.slice(stderr.indexOf('error: '))).toMatch(message);
    expect(code).toBe(1);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('a program that never listens is ended when the time to connect is over', { timeout: 60_000 }, async () => {
    const cwd = folderWith({});
    const temporary = folderWith({});
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const from = `exec:sh -c 'echo $$ > pid; exec sleep 600'`;
    const { code, stderr } = await qapiTs(['generate', '--from', from, '-o', 'out'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot connect to .*: no such socket/);
    const pid = Number(readFileSync(join(cwd, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(readdirSync(temporary)).toEqual([]);
  });
});

function realEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '' };
}
