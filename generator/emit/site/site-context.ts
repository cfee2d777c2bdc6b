import { type Documentation, documentationOf } from '../../doc/documentation.js';
import type { HtmlOptions } from '../../doc/html.js';
import type { Definition, Schema, Type } from '../../schema/model.js';
import type { Plan } from '../plan.js';
import type { Marks } from './marks.js';
import type { Places } from './places.js';
import type { Uses } from './uses.js';

/** What every page is made with. */
export interface SiteContext {
  readonly schema: Schema;
  readonly plan: Plan;
  readonly places: Places;
  readonly uses: Uses;
  /** The types that names in TypeScript stand for. */
  readonly typesInCode: ReadonlyMap<string, Type>;
  /** What another schema is compared with, where one is. */
  readonly marks: Marks | undefined;
  readonly title: string;
}

/** What every page below a folder of the site is made with: its links go up first. */
export const fromFolder = '../';

/** The documentation of a definition, read once. */
export function docOf(definition: Definition): Documentation {
  let known = documentations.get(definition);
  if (!known) {
    known = documentationOf(definition.doc);
    documentations.set(definition, known);
  }
  return known;
}

const documentations = new WeakMap<Definition, Documentation>();

/** The level of headings in documentation, below the heading of a section. */
export const docLevel: HtmlOptions['level'] = 3;
