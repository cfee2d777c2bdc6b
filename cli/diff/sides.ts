import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { schemaFromIntrospection } from '../../generator/schema/from-introspection.js';
import type { SchemaInfo } from '../../generator/schema/introspect.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { Schema } from '../../generator/schema/model.js';
import { type Selection, selectSchema } from '../../generator/schema/select.js';
import type { Dialect } from '../../generator/syntax/dialect.js';
import { memoryHost } from '../../generator/syntax/host.js';
import { readRegularFile } from '../../generator/syntax/regular-file.js';
import type { Diagnostic } from '../../generator/text/diagnostic.js';
import { commandLineIn } from '../command-line-in.js';
import type { Host } from '../host.js';
import { inputOf } from '../input.js';
import { introspectionIn } from '../introspection-file.js';
import { printDiagnostics } from '../report.js';
import { UserError } from '../user-error.js';

/** One of the two things that are compared. */
export interface Side {
  /** As to be named to the user. */
  readonly name: string;
  readonly schema: Schema;
  /** Whether it comes from introspection data, which do not tell everything. */
  readonly introspection: boolean;
}

/** How to read the sides. */
export interface SideOptions {
  readonly dialect: Dialect;
  readonly selection: Selection | undefined;
}

/**
 * Reads a side: a schema file, introspection data in a file, or what a running program says of itself.
 *
 * @returns undefined when the schema has errors, which have been printed
 */
export async function readSide(named: string, options: SideOptions, host: Host): Promise<Side | undefined> {
  if (commandLineIn(named) !== undefined) {
    // As `generate --from` makes it: with the names that a manual page has for types.
    const { programSchema } = await import('../program-input.js');
    return await introspectedSchema(named, await programSchema(named, host));
  }
  if (isAddress(named, host)) {
    // Only a comparison with a running program loads what that takes.
    const { connectTo, introspectionOf, versionOf } = await import('../program-client.js');
    const client = await connectTo(named);
    try {
      return await introspected(`${versionOf(client)} at ${named}`, await introspectionOf(client));
    } finally {
      await client.close();
    }
  }
  const infos = introspectionOfFile(named, host);
  return infos ? await introspected(named, infos) : await fromSchema(named, options, host);
}

/** A socket, or `host:port` where there is no such file. */
function isAddress(named: string, { cwd }: Host): boolean {
  const found = statSync(resolve(cwd, named), { throwIfNoEntry: false });
  return found ? found.isSocket() : /^(unix:.|[^\\/]*:\d+$)/.test(named);
}

/** The introspection data in a file; undefined when it is something else. */
function introspectionOfFile(named: string, { cwd }: Host): SchemaInfo[] | undefined {
  if (named === '-') return undefined;
  let text: string;
  try {
    text = Buffer.from(readRegularFile(resolve(cwd, named))).toString();
  } catch {
    // Reading it as a schema says what is wrong with the file.
    return undefined;
  }
  try {
    return introspectionIn(text);
  } catch (error) {
    const hint = "write the reply to 'query-qmp-schema' to the file, or name a schema";
    throw new UserError(`${named}: ${(error as Error).message}`, { hint, cause: error });
  }
}

/** A schema made of introspection data. Its places are in no file of the user. */
export async function introspected(name: string, infos: readonly SchemaInfo[]): Promise<Side> {
  return introspectedSchema(name, schemaFromIntrospection(infos, name));
}

async function introspectedSchema(name: string, text: string): Promise<Side> {
  const path = `<introspection of ${name}>`;
  const host = memoryHost({ [path]: text });
  const { schema, diagnostics } = await loadSchema(path, { host, advice: false });
  if (!schema) throw new UserError(`the introspection data of ${name} make no schema: ${messageOf(diagnostics)}`);
  return { name, schema, introspection: true };
}

function messageOf(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.find(({ severity }) => severity === 'error')?.message ?? '';
}

async function fromSchema(named: string, { dialect, selection }: SideOptions, host: Host): Promise<Side | undefined> {
  const input = await inputOf(named, host);
  const { schema, diagnostics } = await loadSchema(input.schema, { dialect, host: input.files, advice: false });
  printDiagnostics(diagnostics, host.stderr, host.env);
  if (!schema) return undefined;
  return { name: named, schema: selection ? selectSchema(schema, selection) : schema, introspection: false };
}
