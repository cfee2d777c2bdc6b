import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkFiles } from '../generator/emit/output/check.js';
import { writeFiles } from '../generator/emit/output/write.js';
import { generateReleases } from '../generator/emit/releases/generate-releases.js';
import type { Release } from '../generator/emit/releases/versions.js';
import { loadSchema } from '../generator/schema/load.js';
import { type GenerateOptions, specifierFrom } from './generate-job.js';
import { changesText, count, current, seconds, withOutput } from './generate-summary.js';
import type { Host } from './host.js';
import { mainSchemas } from './main-schema.js';
import { outputFolder } from './output-folder.js';
import { printDiagnostics } from './report.js';
import { exitCodes } from './subcommand.js';
import { UserError } from './user-error.js';

/** `qapi-ts generate --releases`: the types of several releases as one tree. */
export async function runReleases(
  named: string,
  check: boolean,
  options: GenerateOptions,
  host: Host,
): Promise<number> {
  const { output, int64, importExtension, runtimeImport } = options;
  const folder = outputFolder(output, host);
  const releases: Release[] = [];
  for (const [name, path] of releasesIn(named, host)) {
    const { schema, diagnostics } = await loadSchema(resolve(host.cwd, path), { advice: false });
    printDiagnostics(diagnostics, host.stderr, host.env);
    if (!schema) return exitCodes.problems;
    releases.push({ name, schema });
  }
  const files = generateReleases(releases, {
    int64,
    importExtension,
    runtimeImport: runtimeImport === undefined ? undefined : specifierFrom(folder.path, runtimeImport, host.cwd),
  });
  if (check) {
    const differences = withOutput(() => checkFiles(folder.path, files));
    for (const { path, kind, diff } of differences) host.stdout.write(kind === 'changed' ? diff : `${path}: ${kind}\n`);
    if (differences.length === 0) host.stdout.write(current({ output: folder }, { files: files.length }));
    else host.stderr.write(`error: ${folder.name} is not current; run the same command without --check to write it\n`);
    return differences.length === 0 ? exitCodes.ok : exitCodes.problems;
  }
  const result = withOutput(() => writeFiles(folder.path, files));
  const took = seconds(performance.now());
  host.stdout.write(
    `${count(releases.length, 'release')}: ${folder.name}: ${count(files.length, 'file')} (${changesText(result)}) in ${took}\n`,
  );
  return exitCodes.ok;
}

/** The releases that the command line names, each with its root schema. */
function releasesIn(named: string, host: Host): [name: string, path: string][] {
  const found = named.includes('=') ? listed(named) : inFolder(named, host);
  const [wrong] = found.find(([name]) => !/^\d+\.\d+/.test(name)) ?? [];
  if (wrong !== undefined) throw new UserError(`'${wrong}' is no release: write 9.0=path/to/qapi-schema.json`);
  const numbers = found.map(([name]) => name);
  const twice = numbers.find((name, index) => numbers.indexOf(name) !== index);
  if (twice !== undefined) throw new UserError(`release ${twice} is named twice`);
  if (found.length === 0) throw new UserError(`there are no releases in '${named}'`, { hint: layout });
  return found;
}

const layout = `a folder has one for each release, such as 9.0/${mainSchemas[0]}`;

function listed(named: string): [name: string, path: string][] {
  return named.split(',').map((part) => {
    const [, name = '', path = ''] = /^\s*([^=]*)=(.*)$/.exec(part) ?? [];
    if (path === '') throw new UserError(`'${part}' is no release: write 9.0=path/to/qapi-schema.json`);
    return [name, path];
  });
}

function inFolder(named: string, { cwd }: Host): [name: string, path: string][] {
  const folder = resolve(cwd, named);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`'${named}' is no folder of releases`, { hint: layout });
  }
  return readdirSync(folder)
    .filter((name) => /^\d+\.\d+/.test(name))
    .flatMap((name) => {
      const place = mainSchemas.find((path) => statSync(join(folder, name, path), { throwIfNoEntry: false })?.isFile());
      const [release = name] = /^\d+\.\d+/.exec(name) ?? [];
      return place === undefined ? [] : [[release, join(named, name, place)] as [string, string]];
    });
}
