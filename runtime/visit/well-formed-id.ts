import { OptionError } from './option-error.js';

/** What {@link isWellFormedId} wants, in words. */
export const idSyntax = "a letter, then letters, digits, '-', '.' or '_'";

const pattern = /^[A-Za-z][A-Za-z0-9._-]*$/;

/** Whether a text can be a node-name, or the id of a device, an object or an option. */
export function isWellFormedId(id: string): boolean {
  return pattern.test(id);
}

/** The `id` of an option of the command line. @throws OptionError when it is malformed */
export function checkId(id: string): string {
  if (isWellFormedId(id)) return id;
  throw new OptionError(`Parameter 'id' expects an identifier, not '${id}': ${idSyntax}`, 'id');
}
