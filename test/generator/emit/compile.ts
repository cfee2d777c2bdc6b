import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { writeFiles } from '../../../generator/emit/output/write.js';
import type { GeneratedFile } from '../../../generator/emit/target.js';
import { project } from './fixture.js';

/** The strictest settings that generated code must compile under. */
const strictest = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  typeRoots: [join(project, 'node_modules/@types')],
  noEmit: true,
  declaration: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  isolatedModules: true,
  isolatedDeclarations: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  skipLibCheck: false,
  paths: {
    'qapi-ts': [join(project, 'generator/index.ts')],
    'qapi-ts/testkit': [join(project, 'testkit/index.ts')],
    'qapi-ts/runtime': [join(project, 'runtime/index.ts')],
    'qapi-ts/block': [join(project, 'runtime/block/index.ts')],
  },
};

/**
 * Compiles TypeScript files and returns the compiler's complaints. The package is compiled along from its sources; what the settings
 * make of those is not looked at.
 *
 * @param settings compiler options that differ from the strictest
 */
export async function compile(include: readonly string[], settings: object = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'qapi-ts-compile-'));
  try {
    const config = { compilerOptions: { ...strictest, ...settings }, include };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const output = await run(join(project, 'node_modules/typescript/bin/tsc'), ['-p', folder, '--pretty', 'false']);
    const ours = (folder: string): string => `${relative(process.cwd(), join(project, folder))}/`;
    const [runtime, ...others] = [ours('runtime'), ours('generator'), ours('testkit')] as const;
    return output
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(' ') && !line.includes(runtime))
      .filter((line) => !others.some((folder) => line.startsWith(folder)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles several generated folders in one go. */
export async function compileGenerated(
  folders: Readonly<Record<string, readonly GeneratedFile[]>>,
  settings: object = {},
): Promise<string[]> {
  const root = mkdtempSync(join(tmpdir(), 'qapi-ts-generated-'));
  try {
    writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
    for (const [name, files] of Object.entries(folders)) writeFiles(join(root, name), files);
    return await compile([join(root, '**/*.ts')], settings);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function run(script: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [script, ...args], { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error && stdout === '') reject(new Error(stderr || error.message));
      else resolve(stdout);
    });
  });
}
