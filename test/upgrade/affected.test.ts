import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as morph from 'ts-morph';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Schema } from '../../generator/schema/model.js';
import { builtinCommands } from '../../runtime/qmp/server/builtins.js';
import { type Affected, affectedPlaces } from '../../upgrade/affected.js';
import { fixedFiles } from '../../upgrade/fix.js';
import { placeholder } from '../../upgrade/insertion.js';
import { files, newSchema, oldSchema } from './fixture.js';
import { marksIn, placesIn, schemaOf, type UserProgram, userProgram } from './marked-program.js';

let old: Schema;
let now: Schema;
let program: UserProgram;
let affected: Affected;
let complaintsOfOld: readonly string[];
let complaintsOfNew: readonly string[];

const options = { introspection: false, stable: false, reserved: builtinCommands };

const search = (): Affected => affectedPlaces(morph, { old, now, ...options, project: program.project });

/** The lines of complaints of a compiler. */
const linesOf = (complaints: readonly string[]): string[] => [
  ...new Set(complaints.map((complaint) => /^[^:]*:\d+/.exec(complaint)?.[0] as string)),
];

beforeAll(async () => {
  [old, now] = [await schemaOf(oldSchema), await schemaOf(newSchema)];
  program = userProgram(files, old);
  affected = search();
  complaintsOfOld = program.complaints();
  program.generate(now);
  complaintsOfNew = program.complaints();
  program.generate(old);
}, 60_000);
afterAll(() => program.remove());

describe('affectedPlaces', () => {
  test('finds every place that a change touches, and no other', () => {
    expect(complaintsOfOld).toEqual([]);
    expect(placesIn(program.folder, affected.places)).toEqual(marksIn(files));
  });

  test('finds every line that the compiler refuses with the code of the new schema', () => {
    const found = new Set(placesIn(program.folder, affected.places).map((place) => place.split(' ')[0]));
    expect(complaintsOfNew.length).toBeGreaterThan(20);
    // These lines pass on what another line, which was found, has made.
    const consequences = ['reads.ts:30', 'switches.ts:22', 'writes.ts:20'];
    expect(linesOf(complaintsOfNew).filter((line) => !found.has(line))).toEqual(consequences);
  });

  test('says of each place what changes there, and what to do', () => {
    const place = (file: string, kind: string) =>
      affected.places.find((found) => basename(found.file) === file && found.kind === kind);
    expect(place('reads.ts', 'member-made-optional')).toMatchObject({
      use: 'read',
      code: 'QAPI6204',
      severity: 'breaks',
      line: 11,
      column: 18,
      reason: "Disk.limits: member 'limits' may be absent now",
      remedy: 'handle its absence',
    });
    expect(place('switches.ts', 'enum-value-added')).toMatchObject({
      use: 'switch',
      severity: 'may surprise',
      reason: "Health: value 'worse' is new",
      remedy: "add 'worse', or a default for values that are not known",
    });
    expect(place('mechanical.ts', 'command-removed')).toMatchObject({
      reason: 'disk_remove: the command is gone; it was deprecated',
      remedy: "it is called 'disk-remove' now",
    });
  });
});

test('a tag that a program takes from a union by destructuring is reported once, not for each branch', async () => {
  const union = (kind: string): string => `
{ 'enum': 'Kind', 'data': [ 'a', 'b' ] }
{ 'struct': 'Part', 'data': { '*x': 'str' } }
{ 'union': 'Whole', 'base': { 'kind': ${kind} }, 'discriminator': 'kind', 'data': { 'a': 'Part', 'b': 'Part' } }
{ 'command': 'query-whole', 'returns': 'Whole' }
`;
  const before = await schemaOf(union("'Kind'"));
  const after = await schemaOf(union("{ 'type': 'Kind', 'features': [ 'deprecated' ] }"));
  const text = `import type { Commands } from './generated/client.js';
type Whole = Commands['query-whole']['returns'];
export const taken = ({ kind }: Whole): string => kind;
export const read = (whole: Whole): string => whole.kind;
`;
  const { folder, project, remove } = userProgram({ 'main.ts': text }, before, ['types', 'client']);
  onTestFinished(remove);
  const { places } = affectedPlaces(morph, { old: before, now: after, ...options, project });
  expect(placesIn(folder, places)).toEqual(['main.ts:3 deprecated-added', 'main.ts:4 deprecated-added']);
});

describe('fixedFiles', () => {
  test('changes what is mechanical, and a second run changes nothing', () => {
    const fixed = fixedFiles(affected.places, (file) => readFileSync(file, 'utf8'));
    for (const { file, text } of fixed) writeFileSync(file, text);
    const text = readFileSync(`${program.folder}/mechanical.ts`, 'utf8');
    expect(text).toContain(`await client.execute("disk-remove", { name: 'a' });`);
    expect(text).toContain(`client.commands['disk-remove']({ name: 'a' })`);
    expect(text).toContain(`  name: 'a', speed: x_speed,\n  mode: 'safe' ${placeholder},`);
    expect(text).toContain('const { speed: speed = 1, mode } = slow;');
    expect(text).toContain(`{ name: 'b', mode: 'safe' ${placeholder} }`);
    // The name of a variable is no name of a command.
    expect(readFileSync(`${program.folder}/calls.ts`, 'utf8')).toContain('execute(disk_remove, {');
    const again = search();
    expect(again.places.filter(({ fix }) => fix)).toEqual([]);
    const made = new Set(fixed.flatMap(({ places }) => places));
    const reasons = (places: Affected['places']) => places.map(({ file, reason }) => `${basename(file)} ${reason}`);
    expect(reasons(again.places)).toEqual(reasons(affected.places.filter((place) => !made.has(place))));
    program.generate(now);
    const complaints = program.complaints();
    expect(complaints.filter((complaint) => complaint.startsWith('mechanical.ts'))).toEqual([]);
  }, 60_000);
});
