import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import Handlebars from 'handlebars';

/**
 * Turns a template into an ES module whose default export renders it. What `.html.hbs` renders is HTML, in which texts are escaped;
 * other output is code. Templates use neither `@data` nor `../`, which would cost every block a copy of its context.
 */
function templateModule(source, path) {
  const compiled = Handlebars.precompile(source, {
    assumeObjects: true,
    data: false,
    knownHelpersOnly: true,
    noEscape: !path.endsWith('.html.hbs'),
    preventIndent: true,
  });
  // Where in the template something stands would only be shown of templates that call what they do not have.
  const placeless = compiled.replace(/,"loc":\{"start":\{[^{}]*\},"end":\{[^{}]*\}\}/g, '');
  // As a partial, a template takes the helpers as they are; otherwise it makes a set of its own each time it is called.
  return `import Handlebars from 'handlebars/runtime.js';
const template = Handlebars.template(${placeless});
const options = { partial: true, helpers: Handlebars.helpers, hooks: {} };
export default (context) => template(context, options);
`;
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
