import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderWith, qapiTs } from '../cli/command-line.js';
import { bundledProgram, startServerProcess } from './serve-program.js';

let program: string;
let remove: () => void;

beforeAll(async () => {
  ({ program, remove } = await bundledProgram());
});
afterAll(() => remove());

const schema = join(import.meta.dirname, '../../qapi/qapi-schema.json');

test('what is served is what the schema says, by our own check of conformance', { timeout: 60_000 }, async () => {
  const folder = folderWith({});
  const drive = '--drive=if=ide,media=cdrom,id=cd0';
  const node = '--blockdev=raw,node-name=n,file.driver=null-co,file.size=65536';
  // Commands make files in the folder where the server runs.
  const server = startServerProcess(program, ['--qmp', `unix:${folder}/q`, drive, node], {}, folder);
  await server.ready;
  const args = ['conformance', `${folder}/q`, '--schema', schema, '--format', 'json', '--execute-valid'];
  const { stdout } = await qapiTs(args);
  const report = JSON.parse(stdout);
  expect(report.checks.flatMap(({ problems }: { problems: string[] }) => problems)).toEqual([]);
  expect(report.ok).toBe(true);
  // Every command has been executed, `quit` at last.
  expect((await server.ended).code).toBe(0);
});
