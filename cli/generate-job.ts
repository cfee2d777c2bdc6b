import { relative, resolve } from 'node:path';
import { type OptionValues, optionTable } from '../generator/emit/option-table.js';
import type { EmitOptions } from '../generator/emit/options.js';
import type { Schema } from '../generator/schema/model.js';
import { type Selection, selectSchema } from '../generator/schema/select.js';
import type { Dialect } from '../generator/syntax/dialect.js';
import type { FileHost } from '../generator/syntax/host.js';
import { findConfig } from './config.js';
import type { Host } from './host.js';
import { type Input, inputOf } from './input.js';
import { dialectNamed } from './options.js';
import { type OutputFolder, outputFolder } from './output-folder.js';

/** The options of `qapi-ts generate` as the command line gives them. */
export interface GenerateOptions extends OptionValues {
  /** Where the program runs whose schema it is, or `exec:` and its command line. */
  readonly from?: string;
  /** Whether that program is a guest agent. */
  readonly agent?: boolean;
}

/** What to generate, from what, and where to. */
export interface GenerateJob {
  /** The root schema, as to be named to the user. */
  readonly schema: string;
  readonly files: FileHost;
  readonly dialect: Dialect;
  readonly selection: Selection;
  readonly emit: EmitOptions;
  readonly output: OutputFolder;
  /** The configuration's absolute path, where one has a say. */
  readonly configFile?: string;
}

/** Puts together what the command line and the configuration say. The command line wins. */
export async function generateJob(
  schema: string | undefined,
  options: GenerateOptions,
  host: Host,
): Promise<GenerateJob> {
  const { input, commands } = await inputFor(schema, options, host);
  const { config } = input;
  const values: OptionValues = { ...config, ...options, define: { ...config.define, ...options.define } };
  const { output, runtimeImport, targets, int64, importExtension, openEnums } = values;
  const folder = outputFolder(output, host, 'name one with -o, or as "output" in a qapi-ts.config.json');
  return {
    schema: input.schema,
    files: input.files,
    dialect: dialectNamed(values.dialect),
    selection: {
      defines: new Map(Object.entries(values.define ?? {})),
      onlyDefined: values.onlyDefined ?? optionTable.onlyDefined.default,
      ...(commands && { commands }),
    },
    emit: {
      targets,
      int64,
      importExtension,
      openEnums,
      runtimeImport: runtimeImport === undefined ? undefined : specifierFrom(folder.path, runtimeImport, host.cwd),
    },
    output: folder,
    ...(input.configFile !== undefined && { configFile: resolve(host.cwd, input.configFile) }),
  };
}

/** Where the schema comes from, and of a guest agent the commands that it has, where the schema has others, too. */
async function inputFor(
  schema: string | undefined,
  { from, agent }: GenerateOptions,
  host: Host,
): Promise<{ readonly input: Input; readonly commands?: ReadonlySet<string> }> {
  if (from === undefined) return { input: await inputOf(schema, host) };
  if (!agent) return { input: await fromProgram(from, host) };
  const named = schema ?? (await findConfig(host))?.config.schema;
  if (named === undefined) return { input: await fromAgent(from, host) };
  return { input: await inputOf(schema, host), commands: await commandsOf(from, host) };
}

/** Only a run that talks to a program loads what that takes. */
async function fromProgram(address: string, host: Host): Promise<Input> {
  return (await import('./program-input.js')).inputFrom(address, host);
}

async function fromAgent(address: string, host: Host): Promise<Input> {
  return (await import('./agent-input.js')).agentInput(address, host);
}

async function commandsOf(address: string, host: Host): Promise<ReadonlySet<string>> {
  return (await import('./agent-info.js')).commandsOf(address, host);
}

/** The schema of the configuration and the program that the job is for. */
export function selected(schema: Schema, { selection }: GenerateJob): Schema {
  const { defines, onlyDefined, commands } = selection;
  return defines.size > 0 || onlyDefined || commands ? selectSchema(schema, selection) : schema;
}

/** A path to the runtime as the output folder sees it; the name of a package stays as it is. */
export function specifierFrom(output: string, runtime: string, cwd: string): string {
  if (!/^(\.\.?)?[\\/]/.test(runtime)) return runtime;
  const path = relative(output, resolve(cwd, runtime)).replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`;
}
