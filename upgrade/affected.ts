import type { ts } from 'ts-morph';
import { compareSchemas } from '../generator/compare/compare.js';
import type { Schema } from '../generator/schema/model.js';
import { ChangeIndex } from './change-index.js';
import type { TsMorph } from './compiler.js';
import { declaredNames } from './declared.js';
import { findInLiteral } from './find/literals.js';
import { findEventName, findNames } from './find/names.js';
import { findReads } from './find/reads.js';
import { findList } from './find/switches.js';
import { typeFinder } from './find/types.js';
import { findValue } from './find/values.js';
import { Found, type Search } from './finder.js';
import { Meaning } from './meaning.js';
import type { Place } from './place.js';
import { openProgram } from './program.js';
import { Renames } from './renames.js';

/** What a change of a schema does to a program. */
export interface Affected {
  readonly places: readonly Place[];
  /** How many files of the program were looked at. */
  readonly files: number;
  /** The folders of generated code that the program uses: of the old schema, and of others. */
  readonly generated: readonly string[];
  readonly foreign: readonly string[];
}

/** What is compared, and what uses it. */
export interface AffectedInput {
  /** The schema of the generated code that the program uses. */
  readonly old: Schema;
  readonly now: Schema;
  /** Whether one of them was made from introspection data. */
  readonly introspection: boolean;
  /** Whether to leave out the changes of what is unstable. */
  readonly stable: boolean;
  /** Names of commands that a server executes itself: they need no handler. */
  readonly reserved: readonly string[];
  /** The path of the program's `tsconfig.json`. */
  readonly project: string;
}

/**
 * Finds the places of a program that a change of its schema touches.
 *
 * @throws ProjectError when the program's configuration cannot be used
 */
export function affectedPlaces(
  morph: TsMorph,
  { old, now, introspection, stable, reserved, project }: AffectedInput,
): Affected {
  const { ts } = morph;
  const program = openProgram(morph, project);
  const changes = compareSchemas(old, now, { introspection }).filter(({ unstable }) => !(stable && unstable));
  const names = declaredNames(old);
  const folders = [...program.generated].map(([folder, files]) => ({
    folder,
    files,
    isOld: isMadeFrom(ts, files, old),
  }));
  const generated = folders.filter(({ isOld }) => isOld);
  const meaning = new Meaning(
    ts,
    program.checker,
    generated.flatMap(({ files }) => files),
    old,
    names,
  );
  const index = new ChangeIndex(changes);
  const found = new Found();
  const renames = new Renames(old, now, names, index);
  const search: Search = { ts, meaning, changes: index, now, reserved: new Set(reserved), found, renames };
  const visit = visitor(search);
  for (const file of program.own) visit(file);
  return {
    places: found.places(),
    files: program.own.length,
    generated: generated.map(({ folder }) => folder),
    foreign: folders.filter(({ isOld }) => !isOld).map(({ folder }) => folder),
  };
}

/** Looks at a part of the program and at everything in it. */
function visitor(search: Search): (node: ts.Node) => void {
  const { ts } = search;
  const findTypes = typeFinder(search);
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) {
      findValue(search, node);
      findEventName(search, node);
    }
    if (ts.isObjectLiteralExpression(node)) findInLiteral(search, node);
    if (ts.isCallExpression(node)) findNames(search, node);
    findReads(search, node);
    findList(search, node);
    findTypes(node);
    ts.forEachChild(node, visit);
  };
  return visit;
}

/** Whether generated code is that of a schema: most commands that it declares are the schema's. */
function isMadeFrom(compiler: TsMorph['ts'], files: readonly ts.SourceFile[], schema: Schema): boolean {
  const names = files.flatMap((file) =>
    file.statements.flatMap((statement) =>
      compiler.isInterfaceDeclaration(statement) && statement.name.text === 'Commands'
        ? statement.members.flatMap(({ name }) => (name && 'text' in name ? [name.text] : []))
        : [],
    ),
  );
  const known = names.filter((name) => schema.lookup(name)?.kind === 'command');
  return known.length * 2 >= names.length;
}
