import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import Handlebars from 'handlebars';

/**
 * Turns a template into an ES module whose default export renders it. What `.html.hbs` renders is HTML, in which texts are escaped;
 * other output is code.
 *
 * Of the language, templates use values, `if` and `each`. These become statements of JavaScript and no calls of the library's runtime,
 * which took a tenth of the time of `generate` to look for members where they are: in objects that we have made.
 */
function templateModule(source, path) {
  const escapes = path.endsWith('.html.hbs');
  const statements = statementsFor(Handlebars.parse(source), { context: 'context', depth: 0, escapes });
  return `${escapes ? "import { escapeExpression } from 'handlebars/dist/cjs/handlebars/utils.js';" : ''}
const holds = (value) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
export default (context) => {
  let text = '';
  ${statements}
  return text;
};
`;
}

/** Statements that add to `text` what a part of a template renders. */
function statementsFor(program, scope) {
  return program ? program.body.map((node) => statementFor(node, scope)).join('\n') : '';
}

function statementFor(node, scope) {
  switch (node.type) {
    case 'ContentStatement':
      return `text += ${JSON.stringify(node.value)};`;
    case 'CommentStatement':
      return '';
    case 'MustacheStatement': {
      if (node.params.length > 0 || node.hash) break;
      const value = memberOf(node.path, scope);
      return `text += ${node.escaped && scope.escapes ? `escapeExpression(${value})` : `${value} ?? ''`};`;
    }
    case 'BlockStatement': {
      const { path, params, program, inverse, hash } = node;
      if (params.length !== 1 || hash || program.blockParams) break;
      const value = memberOf(params[0], scope);
      if (path.original === 'if') {
        return `if (holds(${value})) { ${statementsFor(program, scope)} } else { ${statementsFor(inverse, scope)} }`;
      }
      if (path.original !== 'each' || inverse) break;
      const inside = { ...scope, context: `item${scope.depth}`, depth: scope.depth + 1 };
      return `for (const ${inside.context} of ${value} ?? []) { ${statementsFor(program, inside)} }`;
    }
  }
  throw new Error(`templates do not use this: ${node.type} in line ${node.loc.start.line}`);
}

/** A member of what is being rendered, or `this`. */
function memberOf({ type, depth, data, parts }, { context }) {
  if (type !== 'PathExpression' || depth > 0 || data) throw new Error(`templates look only at members: ${parts}`);
  return [context, ...parts].join('.');
}

/** The text of what `?text` or `?script` follows in an import: a file as it is, or a program for browsers, bundled. */
async function assetText(file, form) {
  if (form === 'text') return readFile(file, 'utf8');
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    legalComments: 'none',
    write: false,
  });
  return outputFiles[0].text;
}

/** Bundles `.hbs` files, style sheets and scripts for browsers with esbuild. */
export const esbuildHandlebars = {
  name: 'handlebars',
  setup(build) {
    build.onResolve({ filter: /\?(?:text|script)$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path),
      namespace: 'asset',
    }));
    build.onLoad({ filter: /./, namespace: 'asset' }, async ({ path }) => ({
      contents: await assetText(...path.split('?')),
      loader: 'text',
    }));
    build.onLoad({ filter: /\.hbs$/ }, async ({ path }) => ({
      contents: templateModule(await readFile(path, 'utf8'), path),
      loader: 'js',
      resolveDir: import.meta.dirname,
    }));
  },
};

/** Loads the same in vitest. */
export const viteHandlebars = {
  name: 'handlebars',
  enforce: 'pre',
  resolveId(specifier, importer) {
    const [, file, form] = /^(\..*)\?(text|script)$/.exec(specifier) ?? [];
    // By its name, a style sheet would be taken for one of the page that vite makes.
    return file && `\0${form}:${join(dirname(importer), file)}:`;
  },
  async load(id) {
    const [, form, file] = /^\0(text|script):(.*):$/.exec(id) ?? [];
    return file && `export default ${JSON.stringify(await assetText(file, form))};`;
  },
  transform(source, id) {
    return id.endsWith('.hbs') ? { code: templateModule(source, id), map: null } : undefined;
  },
};
