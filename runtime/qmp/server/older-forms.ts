import type { JsonObject } from '../../json/value.js';

/**
 * By command, what arguments in a form that its schema does not have any more are today. It returns `undefined` for arguments
 * that are not in that form. The older form is deprecated: a policy that rejects deprecated input rejects it.
 */
export interface OlderForms {
  readonly [command: string]: (args: JsonObject) => JsonObject | undefined;
}

/** Arguments in today's form. An older one is left as it is where it is rejected, so that the schema's own check names what is wrong. */
export function inTodaysForm(
  forms: OlderForms | undefined,
  command: string,
  args: JsonObject,
  deprecatedInput: 'accept' | 'reject' | undefined,
): JsonObject {
  if (forms === undefined || deprecatedInput === 'reject' || !Object.hasOwn(forms, command)) return args;
  return forms[command]?.(args) ?? args;
}
