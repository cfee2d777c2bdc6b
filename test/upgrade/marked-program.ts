import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { Project, ts } from 'ts-morph';
import { generate } from '../../generator/emit/generate.js';
import { loadSchema } from '../../generator/schema/load.js';
import type { Schema } from '../../generator/schema/model.js';
import { memoryHost } from '../../generator/syntax/host.js';
import type { Place } from '../../upgrade/place.js';

const root = join(import.meta.dirname, '../..');

/** The schema that a text holds. */
export async function schemaOf(text: string): Promise<Schema> {
  const host = memoryHost({ 'schema.json': text });
  const { schema, diagnostics } = await loadSchema('schema.json', { host, advice: false });
  if (!schema) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return schema;
}

/** A program of a user in a folder of its own. */
export interface UserProgram {
  readonly folder: string;
  /** The path of its tsconfig.json. */
  readonly project: string;
  /** Generates the code of a schema in its folder `generated`. */
  generate(schema: Schema): void;
  /** What the compiler says, as `file:line: message`. */
  complaints(): string[];
  remove(): void;
}

const tsconfig = {
  compilerOptions: {
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    module: 'nodenext',
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    paths: { 'qapi-ts/runtime': [join(root, 'runtime/index.ts')] },
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
  },
  include: ['*.ts', 'generated'],
};

/** Writes a program that uses the code of a schema. */
export function userProgram(
  files: Readonly<Record<string, string>>,
  schema: Schema,
  targets?: readonly string[],
): UserProgram {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'qapi-ts-affected-')));
  const write = (name: string, text: string): void => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  const project = join(folder, 'tsconfig.json');
  write('package.json', '{ "type": "module" }');
  write('tsconfig.json', JSON.stringify(tsconfig));
  for (const [name, text] of Object.entries(files)) write(name, text);
  const program: UserProgram = {
    folder,
    project,
    generate(of) {
      rmSync(join(folder, 'generated'), { recursive: true, force: true });
      for (const { path, text } of generate(of, targets ? { targets } : {})) write(`generated/${path}`, text);
    },
    complaints: () => complaintsOf(project),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  program.generate(schema);
  return program;
}

/** Only the user's files are checked: the runtime has tests of its own. */
function complaintsOf(project: string): string[] {
  const program = new Project({ tsConfigFilePath: project }).getProgram().compilerObject;
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(`${dirname(project)}/`));
  const diagnostics = own.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ]);
  return diagnostics.map(({ file, start = 0, messageText }) => {
    const line = (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
    return `${relative(dirname(project), file?.fileName ?? '')}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/** What the comments `// affected: KIND, KIND` in files say, as `file:line KIND`. */
export function marksIn(files: Readonly<Record<string, string>>): string[] {
  return Object.entries(files)
    .flatMap(([name, text]) =>
      text.split(/\r?\n/).flatMap((line, index) => {
        const kinds = /\/\/ affected: (.*)$/.exec(line)?.[1]?.split(/,\s*/) ?? [];
        return kinds.map((kind) => `${name}:${index + 1} ${kind.trim()}`);
      }),
    )
    .sort();
}

/** Places in the form of {@link marksIn}. */
export function placesIn(folder: string, places: readonly Place[]): string[] {
  return places.map(({ file, line, kind }) => `${relative(folder, file)}:${line} ${kind}`).sort();
}
