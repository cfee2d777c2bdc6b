import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { builtinCommands } from '../runtime/qmp/server/builtins.js';
import { type Affected, affectedPlaces } from '../upgrade/affected.js';
import type { TsMorph } from '../upgrade/compiler.js';
import { type FixedFile, fixedFiles } from '../upgrade/fix.js';
import type { Place } from '../upgrade/place.js';
import { ProjectError } from '../upgrade/program.js';
import { githubPlace } from '../upgrade/report/github.js';
import { placeAsJson } from '../upgrade/report/json.js';
import { prettyPlaces } from '../upgrade/report/pretty.js';
import { readSide } from './diff/sides.js';
import { count } from './generate-summary.js';
import type { Host } from './host.js';
import { choiceOption, dialectNamed, dialectOption } from './options.js';
import { coloursFor } from './report.js';
import { exitCodes, type Subcommand } from './subcommand.js';
import { requireTsMorph } from './ts-morph.js';
import { UserError } from './user-error.js';
import { textToChange, writeAllOrNone } from './write-files.js';

const formats = ['pretty', 'json', 'github'] as const;

interface AffectedOptions {
  readonly old: string;
  readonly new: string;
  readonly project: string;
  readonly format: (typeof formats)[number];
  readonly fix?: boolean;
  readonly stable?: boolean;
  readonly dialect?: string;
}

/** `qapi-ts affected`. */
export const affected: Subcommand = {
  declare(command) {
    command
      .description(
        'Finds every place of a TypeScript program that a change of its schema touches, and says what to do there.\n' +
          'The program uses code that was generated from the old schema. Needs ts-morph.',
      )
      .requiredOption('--old <schema>', 'what the generated code was made from: a schema, introspection data, a socket')
      .requiredOption('--new <schema>', 'what it is to be made from: the same choices')
      .option('-p, --project <file>', 'the tsconfig.json of the program', 'tsconfig.json')
      .addOption(choiceOption('--format <format>', 'how to report', formats).default('pretty'))
      .option('--fix', 'change what is mechanical: new names, new members with a documented default')
      .option('--stable', 'leave out the changes of what is unstable')
      .addOption(dialectOption())
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const options = command.opts<AffectedOptions>();
    const morph = await requireTsMorph(host);
    const project = resolve(host.cwd, options.project);
    if (!existsSync(project)) {
      throw new UserError(`there is no ${options.project}`, { hint: 'name the tsconfig.json of the program with -p' });
    }
    const read = { dialect: dialectNamed(options.dialect), selection: undefined };
    const old = await readSide(options.old, read, host);
    const now = await readSide(options.new, read, host);
    if (!old || !now) return exitCodes.problems;
    const introspection = old.introspection || now.introspection;
    const { stable = false } = options;
    const sides = { old: old.schema, now: now.schema, introspection, stable };
    const result = search(morph, { ...sides, reserved: builtinCommands, project }, options);
    for (const folder of result.foreign) {
      host.stderr.write(
        `note: the code in ${relative(host.cwd, folder)} was made from another schema than ${old.name}\n`,
      );
    }
    const fixed = options.fix ? fixedFiles(result.places, (file) => textToChange(file, nameIn(host)(file))) : [];
    writeAllOrNone(fixed.map(({ file, text }) => ({ path: file, text })));
    const mended = new Set(fixed.flatMap(({ places }) => places));
    const left = result.places.filter((place) => !mended.has(place));
    print[options.format]({ ...result, places: left }, fixed, host);
    return left.some(({ severity }) => severity === 'breaks' || severity === 'may surprise')
      ? exitCodes.problems
      : exitCodes.ok;
  },
};

const examples = `
Exits with 1 when a place breaks or may be surprised, and --fix has not changed it.

Examples:
  $ qapi-ts affected --old qemu-9.0/qapi/qapi-schema.json --new qemu-10.1/qapi/qapi-schema.json
  $ qapi-ts affected --old old.json --new /run/qmp.sock -p server/tsconfig.json --format github
  $ qapi-ts affected --old old.json --new new.json --fix`;

function search(
  morph: TsMorph,
  input: Parameters<typeof affectedPlaces>[1],
  { project, old }: AffectedOptions,
): Affected {
  let result: Affected;
  try {
    result = affectedPlaces(morph, input);
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    throw new UserError(`${project} cannot be used: ${error.message}`);
  }
  if (result.generated.length === 0) {
    throw new UserError(`the program of ${project} uses no code that was generated from ${old}`, {
      hint: 'the program must import what `qapi-ts generate` has written for the old schema',
    });
  }
  return result;
}

type Print = (result: Affected, fixed: readonly FixedFile[], host: Host) => void;

const print: Readonly<Record<AffectedOptions['format'], Print>> = {
  pretty({ places, files }, fixed, host) {
    const colours = coloursFor(host.stdout, host.env);
    host.stdout.write(prettyPlaces(places, nameIn(host), colours));
    for (const { file, places: mended } of fixed) {
      host.stdout.write(`changed ${nameIn(host)(file)}: ${count(mended.length, 'place')}\n`);
    }
    host.stdout.write(`${summary(places)} in ${count(files, 'file')}\n`);
  },
  json({ places, files }, fixed, host) {
    const name = nameIn(host);
    const json = {
      files,
      places: places.map((place) => placeAsJson(place, name)),
      fixed: fixed.flatMap((file) => file.places.map((place) => placeAsJson(place, name))),
    };
    host.stdout.write(`${JSON.stringify(json, undefined, 2)}\n`);
  },
  github({ places }, _fixed, host) {
    for (const place of places) host.stdout.write(`${githubPlace(place, nameIn(host))}\n`);
  },
};

function nameIn({ cwd }: Host): (file: string) => string {
  return (file) => relative(cwd, file);
}

function summary(places: readonly Place[]): string {
  const all = count(places.length, 'place');
  const breaks = places.filter(({ severity }) => severity === 'breaks').length;
  return places.length === 0 ? 'no place' : `${all} (${breaks} ${breaks === 1 ? 'breaks' : 'break'})`;
}
