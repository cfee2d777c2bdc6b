/**
 * What goes into the bundle as one module with short names: each package, of which only what is used goes in, and the generated code.
 * In a bundle the outermost names of a module stay as they are, and these have hundreds.
 */
import { readFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';

/** A module that asks for Node's own modules by `require` gets them without that function, which ES modules lack. */
const builtinsWithoutRequire = {
  name: 'builtins-without-require',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'require-call' && isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** What is used of each package. */
const packages = {
  'basic-ftp': 'Client',
  chevrotain: 'createToken, EmbeddedActionsParser, EOF',
  commander: 'Argument, Command, CommanderError, InvalidArgumentError, Option',
  diff: 'FILE_HEADERS_ONLY, formatPatch, structuredPatch',
  fzstd: 'Decompress',
  pino: 'pino',
  sucrase: 'transform',
};

/** Modules of packages that nothing of what is used here comes to, and stand-ins for those that are asked for a little. */
const unused = [
  // Programs as subcommands, of which there are none.
  { importer: /[/\\]commander[/\\]/, module: /^node:child_process$/, standIn: '' },
  // Our lexer makes the tokens, and our parser has no rules that chevrotain would have to check.
  {
    importer: /[/\\]chevrotain[/\\]/,
    module: /[/\\]lexer_public\.js$/,
    standIn: 'export const LexerDefinitionErrorType = {};\nexport const Lexer = { NA: /NOT_APPLICABLE/ };',
  },
  { importer: /[/\\]chevrotain[/\\]/, module: /[/\\](?:grammar[/\\]checks|cst_visitor)\.js$/ },
  // Lines go to a stream of ours, in this thread, and nothing in them is hidden.
  {
    importer: /[/\\]pino[/\\]/,
    module: /^(?:sonic-boom|on-exit-leak-free|\.(?:\/lib)?\/(?:multistream|redaction|transport))$/,
    standIn: 'module.exports = class {};',
  },
  // sucrase takes types out of a module here, and nothing else; its options are ours.
  {
    importer: /[/\\]sucrase[/\\]/,
    module: /[/\\]HelperManager$/,
    standIn: "export class HelperManager { emitHelpers() { return ''; } }",
  },
  {
    importer: /[/\\]sucrase[/\\]/,
    module:
      /[/\\](?:(?:CJSImport|Flow|JestHoist|JSX|NumericSeparator|OptionalCatchBinding|OptionalChainingNullish|ReactDisplayName|ReactHotLoader)Transformer|CJSImportProcessor|computeSourceMap|formatTokens|Options|plugins[/\\](?:flow|jsx[/\\]index)|\.[/\\](?:flow|jsx[/\\]index))$/,
  },
];

/** Leaves out of packages what nothing here comes to. */
export const withoutUnused = {
  name: 'without-unused',
  setup(build) {
    build.onResolve({ filter: /./ }, async ({ importer, path, kind, resolveDir, pluginData }) => {
      const found = unused.find(({ importer: by, module }) => by.test(importer) && module.test(path));
      if (!found || pluginData === withoutUnused) return undefined;
      if (found.standIn !== undefined) return { path, namespace: 'stand-in', sideEffects: false, pluginData: found };
      const resolved = await build.resolve(path, { kind, importer, resolveDir, pluginData: withoutUnused });
      return { path: resolved.path, namespace: 'stand-in', sideEffects: false, pluginData: found };
    });
    build.onLoad({ filter: /./, namespace: 'stand-in' }, async ({ path, pluginData: { standIn } }) => ({
      contents: standIn ?? namesakes(await readFile(path, 'utf8')),
    }));
    // As an ES module, of which what is unused can be left out.
    build.onResolve({ filter: /^sucrase$/ }, ({ kind, resolveDir }) =>
      build.resolve('sucrase/dist/esm/index.js', { kind, resolveDir }),
    );
    build.onLoad({ filter: /[/\\]sucrase[/\\].*[/\\]readWordTree\.js$/ }, ({ path }) => ({
      contents: sparse(createRequire(path)(path.replace(/([/\\])esm[/\\]/, '$1')).READ_WORD_TREE),
    }));
  },
};

/** A module that exports what another does, as functions that say no. */
function namesakes(text) {
  const names = [...text.matchAll(/^export (?:async )?(?:function|class|const|var|let) (\w+)/gm)].map(
    ([, name]) => name,
  );
  return ['export default class {}', ...names.map((name) => `export function ${name}() { return false; }`)].join('\n');
}

/** The table of sucrase's words, of which all but a few numbers are -1: after how many of these each other number comes. */
function sparse(table) {
  const numbers = [];
  let last = -1;
  for (const [index, value] of table.entries()) {
    if (value === -1) continue;
    numbers.push(index - last, value);
    last = index;
  }
  return `const numbers = ${JSON.stringify(numbers)};
export const READ_WORD_TREE = new Int32Array(${table.length}).fill(-1);
for (let i = 0, at = -1; i < numbers.length; i += 2) READ_WORD_TREE[at += numbers[i]] = numbers[i + 1];
`;
}

/**
 * Makes each package, and the generated code of our own schema, one module.
 *
 * @param {string} root the folder of the project
 * @param {object} settings how all is bundled
 * @param {Set<string>} files takes the files that went in
 */
export function packagesAsModules(root, settings, files) {
  const loaded = new Map();
  const load = (name, contents, plugins) => {
    if (!loaded.has(name)) loaded.set(name, asModule(root, contents, { ...settings, plugins }, files));
    return loaded.get(name);
  };
  return {
    name: 'packages-as-modules',
    setup(main) {
      main.onResolve({ filter: /^[^./]/ }, ({ path }) =>
        Object.hasOwn(packages, path) ? { path, namespace: 'package', sideEffects: false } : undefined,
      );
      main.onLoad({ filter: /./, namespace: 'package' }, ({ path }) =>
        load(path, `export { ${packages[path]} } from '${path}';`, [withoutUnused, builtinsWithoutRequire]),
      );
      main.onResolve({ filter: /\/generated\/(?:[^/]+\/)?\w+\.js$/ }, () => ({
        path: 'code',
        namespace: 'generated',
        sideEffects: false,
      }));
      main.onLoad({ filter: /./, namespace: 'generated' }, () =>
        load('', "export * from './generated/index.ts';", [runtimeOutside, introspectionPacked]),
      );
    },
  };
}

/** The generated code imports the same runtime as all else. */
const runtimeOutside = {
  name: 'runtime-outside',
  setup(build) {
    build.onResolve({ filter: /\/runtime\/.*\.js$/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      if (pluginData === runtimeOutside) return undefined;
      const resolved = await build.resolve(path, { importer, kind, resolveDir, pluginData: runtimeOutside });
      return { path: resolved.path, external: true };
    });
  },
};

/** What `query-qmp-schema` returns is a tenth as long when it is compressed, and unpacked as quickly as it is read. */
const introspectionPacked = {
  name: 'introspection-packed',
  setup(build) {
    build.onLoad({ filter: /[/\\]generated[/\\]introspection\.ts$/ }, async ({ path }) => ({
      contents: packedIntrospection(await readFile(path, 'utf8')),
      loader: 'ts',
    }));
  },
};

/**
 * A module like the one generated for introspection, whose data is compressed.
 *
 * @param {string} text the generated module: between its first and its last line with a bracket, the data stands as JSON
 * @returns {string} a module that exports the same
 */
export function packedIntrospection(text) {
  const [, data] = /^export const introspection: SchemaInfo\[\] = (\[\n.*),\n\];\n$/ms.exec(text);
  const packed = brotliCompressSync(JSON.stringify(JSON.parse(`${data}]`))).toString('base64');
  return `import { brotliDecompressSync } from 'node:zlib';
const packed = ${JSON.stringify(packed.match(/.{1,150}/g))};
export const introspection = /* @__PURE__ */ JSON.parse(
  /* @__PURE__ */ String(/* @__PURE__ */ brotliDecompressSync(/* @__PURE__ */ Buffer.from(/* @__PURE__ */ packed.join(''), 'base64'))),
);
`;
}

async function asModule(root, contents, settings, files) {
  const { metafile, outputFiles } = await build({
    ...settings,
    absWorkingDir: root,
    stdin: { contents, resolveDir: root },
    minifyIdentifiers: true,
    write: false,
  });
  for (const file of Object.keys(metafile.inputs)) files.add(file);
  return { contents: outputFiles[0].text, resolveDir: root };
}
