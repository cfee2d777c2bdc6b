import type { JsonObject } from '../../json/value.js';

/**
 * By command, what arguments in a form that its schema does not have any more are today. It returns `undefined` for arguments
 * that are not in that form. The older form is deprecated: a policy that rejects deprecated input rejects it.
 */
export interface OlderForms {
  readonly [command: string]: (args: JsonObject) => JsonObject | undefined;
}

/** What arguments in an older form are today; nothing when they are not in one. */
export function inTodaysForm(forms: OlderForms | undefined, command: string, args: JsonObject): JsonObject | undefined {
  return forms !== undefined && Object.hasOwn(forms, command) ? forms[command]?.(args) : undefined;
}
