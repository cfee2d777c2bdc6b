import { relative, resolve } from 'node:path';
import type { Config } from '../generator/config.js';
import { type FileHost, nodeHost } from '../generator/syntax/host.js';
import { sizeLimit, tooLarge, UnsuitableFile } from '../generator/syntax/regular-file.js';
import { findConfig } from './config.js';
import type { Host } from './host.js';
import { looksLikeJson } from './looks-like-json.js';
import { sparing } from './memory.js';
import { UserError } from './user-error.js';

/** The schema that a command is about. */
export interface Input {
  /** The root schema, as to be named to the user. */
  readonly schema: string;
  /** Where its files come from. */
  readonly files: FileHost;
  /** What the configuration says about it. */
  readonly config: Config;
  /** The configuration's file, when it has a say. */
  readonly configFile?: string;
}

/**
 * Finds the schema that the command line names, or else the configuration. A configuration that names another schema than
 * the command line has no say.
 */
export async function inputOf(named: string | undefined, host: Host): Promise<Input> {
  const found = await findConfig(host);
  const configured = found?.config.schema;
  if (named === undefined && configured === undefined) {
    throw new UserError('there is no schema to read', {
      hint: found
        ? `name one, here or as "schema" in ${found.file}`
        : 'name one, or write a qapi-ts.config.json with { "schema": …, "output": … }',
    });
  }
  const schema = named ?? relative(host.cwd, configured as string);
  const applies = configured === undefined || resolve(host.cwd, schema) === configured;
  const files = schema === '-' ? await withStdin(host) : diskFrom(host.cwd);
  const root = schema === '-' ? stdinName : schema;
  return {
    schema: root,
    files: withIntrospection(sparing(files), root),
    ...(found && applies ? { config: found.config, configFile: found.file } : { config: {} }),
  };
}

/** Files of which the first may be introspection data: then it is the schema that these describe. */
function withIntrospection(files: FileHost, root: string): FileHost {
  const path = files.resolve(root);
  return {
    async read(file) {
      const bytes = await files.read(file);
      if (files.resolve(file) !== path || !looksLikeJson(Buffer.from(bytes.subarray(0, 200)).toString())) return bytes;
      // No schema needs what this loads.
      const { schemaTextIn } = await import('./introspection-file.js');
      const text = schemaTextIn(Buffer.from(bytes).toString(), root);
      return text === undefined ? bytes : Buffer.from(text);
    },
    resolve: files.resolve,
  };
}

const stdinName = '<stdin>';

/** The disk, with relative paths counted from a folder. */
function diskFrom(cwd: string): FileHost {
  return {
    read: (path) => nodeHost.read(resolve(cwd, path)),
    resolve: (path) => nodeHost.resolve(resolve(cwd, path)),
  };
}

/** The disk, with standard input as one file more, in the working directory. */
async function withStdin({ cwd, stdin }: Host): Promise<FileHost> {
  const disk = diskFrom(cwd);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    length += chunk.length;
    if (length > sizeLimit) break;
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks);
  const path = disk.resolve(stdinName);
  return {
    read: async (file) => {
      if (disk.resolve(file) !== path) return await disk.read(file);
      if (length > sizeLimit) throw new UnsuitableFile(tooLarge);
      return text;
    },
    resolve: disk.resolve,
  };
}
