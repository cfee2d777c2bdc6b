import { readFile } from 'node:fs/promises';
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

/** Bundles `.hbs` files with esbuild. */
export const esbuildHandlebars = {
  name: 'handlebars',
  setup(build) {
    build.onLoad({ filter: /\.hbs$/ }, async ({ path }) => ({
      contents: templateModule(await readFile(path, 'utf8'), path),
      loader: 'js',
      resolveDir: import.meta.dirname,
    }));
  },
};

/** Loads `.hbs` files in vitest. */
export const viteHandlebars = {
  name: 'handlebars',
  enforce: 'pre',
  transform(source, id) {
    return id.endsWith('.hbs') ? { code: templateModule(source, id), map: null } : undefined;
  },
};
