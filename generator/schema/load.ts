import { Dialect } from '../syntax/dialect.js';
import { type FileHost, nodeHost } from '../syntax/host.js';
import { KnownFiles } from '../syntax/known-files.js';
import { loadSyntax, type SyntaxOptions } from '../syntax/load.js';
import { ParsedFiles } from '../syntax/parsed-files.js';
import type { Diagnostic } from '../text/diagnostic.js';
import { adviceFor, type CheckBy } from './advice.js';
import { analyse, problemsOf } from './analyse.js';
import { SoundDefinitions } from './check/sound-definitions.js';
import { checkExamples } from './examples/check.js';
import type { Schema } from './model.js';

/** How to read and check a schema. */
export interface SchemaOptions {
  /**
   * The release whose rules hold: `2.8`, `9.0`, also `8.2.1` and the like. Default: `auto`, which reads the schemas of all
   * releases and takes problems of documentation for warnings.
   */
  readonly dialect?: string | Dialect | undefined;
  /**
   * Whether `auto` also looks for what later releases reject, and warns of it. That means to check the schema by their rules too.
   * Default: yes.
   */
  readonly advice?: boolean | undefined;
  /** Whether to check the examples in documentation, too; what is wrong with them are warnings. Default: no. */
  readonly examples?: boolean | undefined;
  /** Where the files come from. Default: the file system. */
  readonly host?: FileHost | undefined;
}

/** A schema that was read and checked. */
export interface LoadedSchema {
  /** The schema; absent when there are errors. */
  readonly schema?: Schema;
  /** What was found, in the order in which the reference looks: the first error is the one that it would report. */
  readonly diagnostics: readonly Diagnostic[];
  /** The files that were read, the root first, under the names by which they are reported. */
  readonly files: readonly string[];
}

/**
 * Reads a schema with all that it includes, checks it, and makes the model of it.
 *
 * @param path the root file
 * @throws {RangeError} when there is no such dialect. Whatever is wrong with the schema, also that there is none, is a diagnostic
 *
 * @example
 * ```ts
 * const { schema, diagnostics } = await loadSchema('qapi/qapi-schema.json', { dialect: '11.1' });
 * for (const { message, span } of diagnostics) console.error(span?.file.path, message);
 * for (const definition of schema?.definitions ?? []) console.log(definition.kind, definition.name);
 * ```
 */
export async function loadSchema(path: string, options: SchemaOptions = {}): Promise<LoadedSchema> {
  return await withAdvice(await load(path, options));
}

async function withAdvice({ advise, ...loaded }: Loading): Promise<LoadedSchema> {
  return { ...loaded, diagnostics: [...loaded.diagnostics, ...(await advise())] };
}

/**
 * A {@link loadSchema} that remembers the files of the schema as it was read last, and parses only those that have changed: for callers
 * that load a schema after every change. What it returns is the same.
 */
export function incrementalLoader(): typeof loadSchema {
  const kept = { files: new ParsedFiles(), sound: new SoundDefinitions() };
  return async (path, options = {}) => await withAdvice(await load(path, options, kept));
}

/** What came of the rules of the dialect that was asked for, and how to get what there is to say beyond them. */
type Loading = LoadedSchema & { advise(): Promise<readonly Diagnostic[]> };

/** What is remembered of a schema that is loaded again. */
interface Kept {
  readonly files: ParsedFiles;
  readonly sound: SoundDefinitions;
}

async function load(path: string, options: SchemaOptions, kept?: Kept): Promise<Loading> {
  const dialect = Dialect.of(options.dialect);
  const host = rememberingHost(options.host ?? nodeHost);
  const advised = dialect.name === 'auto' && options.advice !== false;
  const known = advised ? new KnownFiles() : undefined;
  const { tree, diagnostics: problems } = await loadSyntax(path, { dialect, host, known, kept: kept?.files });
  const files = tree.modules.map(({ file }) => file.path);
  const analysis = analyse(tree, dialect, problems, kept?.sound);
  if (!analysis.schema) return { ...analysis, files, advise: async () => [] };
  const diagnostics = [...analysis.diagnostics, ...(options.examples ? checkExamples(analysis.schema) : [])];
  const advise = advised
    ? adviser(path, { host, known }, analysis.diagnostics, tree.documentationChecked)
    : async () => [];
  return { schema: analysis.schema, diagnostics, files, advise };
}

/** Apart from {@link load}, so that its closures keep no syntax tree while others are made. */
function adviser(
  path: string,
  from: Pick<SyntaxOptions, 'host' | 'known'>,
  reported: readonly Diagnostic[],
  documented: boolean,
): () => Promise<readonly Diagnostic[]> {
  const checkBy: CheckBy = async (release) => {
    const { tree, diagnostics } = await loadSyntax(path, { dialect: release, ...from });
    return { read: diagnostics, complete: () => problemsOf(tree, release, diagnostics) };
  };
  return () => adviceFor(checkBy, reported, documented);
}

/** Reads every file once, however often it is asked for. */
function rememberingHost({ read, resolve }: FileHost): FileHost {
  const contents = new Map<string, Promise<Uint8Array>>();
  return {
    read(path) {
      const content = contents.get(path) ?? read(path);
      contents.set(path, content);
      return content;
    },
    resolve,
  };
}

/**
 * Checks a schema with all that it includes: {@link loadSchema} for callers that only need the diagnostics.
 *
 * @throws {RangeError} when there is no such dialect
 */
export async function checkSchema(path: string, options: SchemaOptions = {}): Promise<readonly Diagnostic[]> {
  // The model is gone before the schema is read again for advice.
  const { diagnostics, advise } = await load(path, options).then(({ schema: _, ...others }) => others);
  return [...diagnostics, ...(await advise())];
}
