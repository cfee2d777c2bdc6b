import type { Expression } from '../../syntax/tree.js';
import type { CheckContext } from '../check/context.js';
import { type Drafts, define } from '../define.js';
import type { LostNames } from '../lost.js';
import { checkLegacyEntities } from './entities.js';
import { checkFirstPass } from './first-pass.js';
import { checkSecondPass } from './second-pass.js';

/** Checks a schema in the order of releases up to 4.1, and defines its entities. */
export function checkLegacy(expressions: readonly Expression[], lost: LostNames, context: CheckContext): Drafts {
  checkFirstPass(expressions, context);
  const drafts = define(expressions, context.dialect, lost, () => {});
  checkSecondPass(expressions, drafts, context);
  checkLegacyEntities(drafts, context);
  return drafts;
}
