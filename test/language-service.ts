import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript-5.9';

const project = join(import.meta.dirname, '..');

/** What an editor shows of a program that lies in memory, beside files on the disk. */
export interface Editor {
  /** Reads a program and all that it imports, and answers nothing yet. */
  read(program: string): void;
  /** The documentation and the signature that hovering shows over the text between the marks `⟦` and `⟧`. */
  hover(program: string): { readonly signature: string; readonly text: string } | undefined;
  /** Where the definition of the marked text is: file, and the line. */
  definition(program: string): { readonly file: string; readonly line: string } | undefined;
  /** The names that may stand where the mark `⟦⟧` is. */
  completions(program: string): readonly string[];
  /** What the compiler says of a program, as one text for each mistake. */
  complaints(program: string): readonly string[];
}

const settings: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  types: ['node'],
  typeRoots: [join(project, 'node_modules/@types')],
  paths: { 'qapi-ts/runtime': [join(project, 'runtime/index.ts')] },
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
};

/** The language service of TypeScript 5.9 for a program in a folder. The files beside it are given by their paths in the folder. */
export function editorFor(files: Readonly<Record<string, string>>): Editor {
  const folder = '/editor';
  const name = `${folder}/program.ts`;
  const texts = new Map([[`${folder}/package.json`, '{ "type": "module" }']]);
  for (const [path, text] of Object.entries(files)) texts.set(join(folder, path), text);
  let version = 0;
  const read = (path: string): string | undefined => texts.get(path) ?? ts.sys.readFile(path);
  const service = ts.createLanguageService({
    getCompilationSettings: () => settings,
    getScriptFileNames: () => [name],
    getScriptVersion: (path) => (path === name ? String(version) : '0'),
    getScriptSnapshot: (path) => {
      const text = read(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => project,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (path) => texts.has(path) || ts.sys.fileExists(path),
    readFile: read,
    directoryExists: (path) =>
      path === folder || [...texts.keys()].some((file) => file.startsWith(`${path}/`)) || ts.sys.directoryExists(path),
  });

  /** Takes the marks out of a program, makes it the current one, and returns the place of the first mark. */
  const open = (program: string): number => {
    texts.set(name, program.replace(/[⟦⟧]/g, ''));
    version++;
    return program.indexOf('⟦');
  };

  return {
    read(program) {
      open(program);
      service.getProgram();
    },
    hover(program) {
      const info = service.getQuickInfoAtPosition(name, open(program));
      if (!info) return undefined;
      const tags = (info.tags ?? []).map((tag) => `@${tag.name} ${ts.displayPartsToString(tag.text)}`);
      const text = [ts.displayPartsToString(info.documentation), ...tags].join('\n');
      return { signature: ts.displayPartsToString(info.displayParts), text };
    },
    definition(program) {
      const [found] = service.getDefinitionAtPosition(name, open(program)) ?? [];
      if (!found) return undefined;
      const text = texts.get(found.fileName) ?? readFileSync(found.fileName, 'utf8');
      const end = text.indexOf('\n', found.textSpan.start);
      const start = text.lastIndexOf('\n', found.textSpan.start) + 1;
      return { file: found.fileName.replace(`${folder}/`, ''), line: text.slice(start, end).trim() };
    },
    completions(program) {
      return (service.getCompletionsAtPosition(name, open(program), {})?.entries ?? []).map((entry) => entry.name);
    },
    complaints(program) {
      open(program);
      return service
        .getSemanticDiagnostics(name)
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
    },
  };
}
