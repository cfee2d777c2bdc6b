import { dirname } from 'node:path';
import type { ts } from 'ts-morph';
import { marker } from '../generator/emit/output/header.js';
import type { Ts, TsMorph } from './compiler.js';

/** A user's program, as the compiler understands it. */
export interface Program {
  readonly checker: ts.TypeChecker;
  /** The files that people write: no declarations, nothing generated. */
  readonly own: readonly ts.SourceFile[];
  /** The files of generated code that it reaches, by the folder that they were written to. */
  readonly generated: ReadonlyMap<string, readonly ts.SourceFile[]>;
}

/** A configuration of the compiler that cannot be used, for the user to read. */
export class ProjectError extends Error {
  override readonly name = 'ProjectError';
}

/**
 * Opens the program that a `tsconfig.json` describes.
 *
 * @throws ProjectError when the configuration cannot be used
 */
export function openProgram({ Project, ts }: TsMorph, tsConfigFilePath: string): Program {
  const complaint = complaintAbout(ts, tsConfigFilePath);
  if (complaint !== undefined) throw new ProjectError(complaint);
  const program = new Project({ tsConfigFilePath }).getProgram().compilerObject;
  const files = program.getSourceFiles().filter((file) => !program.isSourceFileFromExternalLibrary(file));
  return {
    checker: program.getTypeChecker(),
    own: files.filter((file) => !file.isDeclarationFile && !file.text.startsWith(marker)),
    generated: byFolder(files.filter(({ text }) => text.startsWith(marker))),
  };
}

/** What is wrong with a configuration; undefined when nothing is. */
function complaintAbout(compiler: Ts, path: string): string | undefined {
  const { config, error } = compiler.readConfigFile(path, compiler.sys.readFile);
  const errors = error ? [error] : compiler.parseJsonConfigFileContent(config, compiler.sys, dirname(path)).errors;
  return errors[0] && compiler.flattenDiagnosticMessageText(errors[0].messageText, ' ');
}

/** Each module has a folder of its own, in the one that the generator wrote. */
function byFolder(files: readonly ts.SourceFile[]): Map<string, ts.SourceFile[]> {
  const folders = new Set(files.map(({ fileName }) => dirname(fileName)));
  const outermost = [...folders].filter((folder) => ![...folders].some((other) => folder.startsWith(`${other}/`)));
  return new Map(
    outermost.map((folder) => [folder, files.filter(({ fileName }) => fileName.startsWith(`${folder}/`))]),
  );
}
