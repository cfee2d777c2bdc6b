import type { Command, Event } from '../../schema/model.js';
import { compareReleases } from '../../syntax/releases.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { memberName, stringLiteral } from '../identifier.js';
import { type EmitOptions, resolveOptions } from '../options.js';
import { header } from '../output/header.js';
import { digest, hasArguments } from '../plan.js';
import type { GeneratedFile } from '../target.js';
import releasesTemplate from '../templates/releases.hbs';
import { emptyObject } from '../type-text.js';
import type { Part } from './conditions.js';
import { releasesOf } from './merged.js';
import { ReleaseList, type ReleaseSet } from './release-set.js';
import { TypeTree } from './tree.js';
import { type KnownRelease, type Release, type Version, type Versions, versionsOf } from './versions.js';

/** Generates the types of several releases as one tree, in which everything has the range of releases that have it. */
export function generateReleases(
  releases: readonly Release[],
  options: Omit<EmitOptions, 'targets' | 'openEnums'> = {},
): GeneratedFile[] {
  const sorted = [...releases].sort((a, b) => compareReleases(a.name, b.name));
  const list = new ReleaseList(sorted.map(({ name }) => name));
  const versions = versionsOf(sorted);
  const resolved = resolveOptions(options);
  const tree = new TypeTree(versions, list, resolved);
  const types = tree.print();
  const tables = [
    table(tree, list, 'Command', versions.commands, (of) => commandText(tree, versions, of)),
    table(tree, list, 'Event', versions.events, (of) => eventText(tree, versions, of)),
  ];
  const code = [frame(tree, list) + tables.join('\n'), types].join('\n');
  const imports = tree.imports.toString();
  const start = header(`releases ${list.names.join(', ')}`, digest(textOf(sorted)), resolved);
  return [
    { path: 'client.ts', text: `${start}${imports}${imports && '\n'}${code}` },
    { path: 'index.ts', text: `${start}export type * from ${stringLiteral(tree.imports.specifier('client'))};\n` },
  ];
}

/** The releases and their ranges, what a client is typed by, and the commands and events of a range. */
function frame(tree: TypeTree, list: ReleaseList): string {
  const newest = list.names.at(-1) ?? '';
  const range = (from: string): string => stringLiteral(from === newest ? from : `${from}..${newest}`);
  const whole = range(list.names[0] ?? '');
  const of = (name: string): string => (tree.isDependent(name) ? `${name}<Releases[V]>` : name);
  return releasesTemplate({
    all: list.type(list.all),
    ranges: list.ranges().map(([name, set]) => ({ name: stringLiteral(name), releases: list.type(set) })),
    whole,
    since: list.names.map((name) => ({ name: stringLiteral(name), range: range(name) })),
    tables: ['Command', 'Event'].map((what) => ({
      what,
      plural: `${what.toLowerCase()}s`,
      whole,
      common: of(`${what}sOfAll`),
      some: of(`Some${what}s`),
    })),
  });
}

/** The interfaces of commands, or events: those that all releases have, and the others with the releases that have them. */
function table<D extends Command | Event>(
  tree: TypeTree,
  list: ReleaseList,
  what: 'Command' | 'Event',
  definitions: ReadonlyMap<string, readonly Version<D>[]>,
  textOf: (versions: readonly Version<D>[]) => string,
): string {
  const ranges: Property[] = [];
  const entries = (wanted: (releases: ReleaseSet) => boolean): Property[] =>
    [...definitions].flatMap(([name, versions]) => {
      const releases = releasesOf(versions);
      const newest = versions.at(-1);
      if (!newest || !wanted(releases)) return [];
      return {
        name: memberName(name),
        type: textOf(versions),
        comment: () => tree.comments.ofEntity(newest.definition, releases),
      };
    });
  const isEverywhere = (releases: ReleaseSet): boolean => releases.length === list.all.length;
  const printer = new DeclarationPrinter();
  const print = (name: string, properties: () => Property[]): void => {
    const members = tree.within(name, properties);
    printer.interface(tree.isDependent(name) ? `${name}<R extends Release>` : name, [], members);
  };
  print(`${what}sOfAll`, () => entries(isEverywhere));
  print(`Some${what}s`, () => entries((releases) => !isEverywhere(releases)));
  for (const [name, versions] of definitions) {
    const releases = releasesOf(versions);
    if (!isEverywhere(releases)) ranges.push({ name: memberName(name), type: list.type(releases) });
  }
  printer.interface(`${what}Releases`, [], ranges);
  return printer.toString();
}

function commandText(tree: TypeTree, { releases }: Versions, versions: readonly Version<Command>[]): string {
  const present = releasesOf(versions);
  const given = versions.map(
    ({ release, definition }): Part => ({
      releases: [release],
      text: argumentsText(tree, definition, releases[release] as KnownRelease),
    }),
  );
  const returned = versions.map(({ release, definition: { returns } }): Part => {
    const text = returns ? tree.reference(returns, releases[release] as KnownRelease) : 'void';
    return { releases: [release], text };
  });
  const taken = tree.conditions.combined(given, present, true);
  return `{ arguments: ${taken}; returns: ${tree.conditions.combined(returned, present, false)} }`;
}

function argumentsText(tree: TypeTree, command: Command, known: KnownRelease): string {
  if (!hasArguments(command)) return emptyObject;
  const text = tree.reference(command.arguments, known);
  return command.gen ? text : `${text} & ${tree.runtimeType('JsonObject')}`;
}

function eventText(tree: TypeTree, { releases }: Versions, versions: readonly Version<Event>[]): string {
  const parts = versions.map(({ release, definition }): Part => {
    const known = releases[release] as KnownRelease;
    const text = hasArguments(definition) ? tree.reference(definition.arguments, known) : 'undefined';
    return { releases: [release], text };
  });
  return `{ data: ${tree.conditions.combined(parts, releasesOf(versions), false)} }`;
}

/** All that the releases are made from. */
function textOf(releases: readonly Release[]): string {
  return releases.flatMap(({ name, schema }) => [name, ...schema.modules.map(({ file }) => file?.text ?? '')]).join('');
}
