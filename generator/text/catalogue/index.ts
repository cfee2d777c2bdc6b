import { definitions } from './definitions.js';
import { docComments } from './doc-comments.js';
import { documentation } from './documentation.js';
import { examples } from './examples.js';
import { lexical } from './lexical.js';
import { names } from './names.js';
import { syntax } from './syntax.js';
import { types } from './types.js';

/** Every diagnostic the front end can report, by name. */
export type Catalogue = typeof lexical &
  typeof syntax &
  typeof definitions &
  typeof names &
  typeof types &
  typeof docComments &
  typeof documentation &
  typeof examples;

/** The one registry of diagnostics; `docs/diagnostics.md` is printed from it. */
export const catalogue: Catalogue = {
  ...lexical,
  ...syntax,
  ...definitions,
  ...names,
  ...types,
  ...docComments,
  ...documentation,
  ...examples,
};
