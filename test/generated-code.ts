import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { build } from 'esbuild';
import { resolveOptions } from '../generator/emit/options.js';
import { planOf } from '../generator/emit/plan.js';
import { type EmitOptions, generate, type Schema, type Type } from '../generator/index.js';
import type { Visit } from '../runtime/index.js';

/** Generated code that has been loaded. */
export interface GeneratedCode {
  /** The types that have a visit function. */
  readonly types: readonly Type[];
  /** The visit function of a type. */
  visit(type: Type): Visit<unknown>;
}

/** Generates the visitors of a schema and loads them. */
export async function loadGenerated(schema: Schema, options: EmitOptions = {}): Promise<GeneratedCode> {
  const settings = { ...options, targets: ['types', 'visitors'] };
  const exported = await importGenerated(schema, settings);
  const { names } = planOf(schema, resolveOptions(settings));
  const types = schema.definitions.filter((definition): definition is Type => {
    return definition.kind !== 'command' && definition.kind !== 'event' && names.isDeclared(definition);
  });
  return {
    types,
    visit(type) {
      if (!names.isDeclared(type)) throw new Error(`type '${type.name}' has no visit function`);
      return exported[names.visitor(type)] as unknown as Visit<unknown>;
    },
  };
}

const runtimeImport = resolve(import.meta.dirname, '../runtime/index.ts');

/** Generates code of a schema and imports it: everything that its `index.ts` exports, by name. The runtime is the test's own. */
export async function importGenerated(schema: Schema, options: EmitOptions = {}): Promise<Record<string, never>> {
  const files = generate(schema, { ...options, runtimeImport });
  const contents = new Map(files.map(({ path, text }) => [path.replace(/\.ts$/, ''), text]));
  const folder = await mkdtemp(join(tmpdir(), 'qapi-ts-'));
  try {
    const { outputFiles } = await build({
      entryPoints: ['index'],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'node20.19',
      external: [runtimeImport],
      plugins: [
        {
          name: 'generated',
          setup({ onResolve, onLoad }) {
            onResolve({ filter: /^index$|^\./ }, ({ path, importer }) => ({
              path: posix.join(posix.dirname(importer), path).replace(/\.js$/, ''),
              namespace: 'generated',
            }));
            onLoad({ filter: /.*/, namespace: 'generated' }, ({ path }) => ({
              contents: contents.get(path) ?? '',
              loader: 'ts',
            }));
          },
        },
      ],
    });
    const file = join(folder, 'generated.ts');
    await writeFile(file, outputFiles[0]?.text ?? '');
    return (await import(file)) as Record<string, never>;
  } finally {
    await rm(folder, { recursive: true });
  }
}
