import {
  type AuthZListFileProperties,
  type AuthZListProperties,
  type AuthZSimpleProperties,
  visitAuthZListProperties,
} from '../../../generated/index.js';
import { parseJson } from '../../json/parse.js';
import type { JsonValue } from '../../json/value.js';
import { decode } from '../../visit/codec.js';
import { invalid } from '../error.js';
import { matchesGlob } from './glob.js';
import { readObjectFile } from './object-file.js';
import { propertiesOf } from './object-types.js';
import type { ObjectHost, UserObject } from './user-object.js';

/** Lets in one identity. */
export function makeSimpleAuthorization({ identity }: AuthZSimpleProperties): UserObject {
  return {
    type: 'authz-simple',
    properties: propertiesOf('authz-simple', { identity }),
    authorizes: async (asked) => asked === identity,
  };
}

/** Lets in whom the first rule that matches lets in; where none matches, as its policy says. */
export function makeListAuthorization(list: AuthZListProperties): UserObject {
  return {
    type: 'authz-list',
    properties: propertiesOf('authz-list', { policy: list.policy ?? 'deny', rules: rulesOf(list) }),
    authorizes: async (identity) => isAllowed(list, identity),
  };
}

/**
 * Lets in whom the rules of a file let in.
 *
 * @throws BlockError when it cannot be read, or is not such a list
 */
export async function makeListFileAuthorization(
  { filename, refresh = true }: AuthZListFileProperties,
  host: ObjectHost,
): Promise<UserObject> {
  const first = await readList(filename, host);
  return {
    type: 'authz-listfile',
    properties: propertiesOf('authz-listfile', { filename, refresh }),
    // While the file cannot be read, no client is let in.
    authorizes: async (identity) => isAllowed(refresh ? await readList(filename, host) : first, identity),
  };
}

function rulesOf({ rules = [] }: AuthZListProperties): JsonValue[] {
  return rules.map(({ match, policy, format = 'exact' }) => ({ match, policy, format }));
}

async function readList(filename: string, host: ObjectHost): Promise<AuthZListProperties> {
  const text = (await readObjectFile(filename, host)).toString();
  try {
    return decode(visitAuthZListProperties, parseJson(text));
  } catch (error) {
    throw invalid(`Unable to read ${filename}: ${(error as Error).message}`);
  }
}

function isAllowed({ policy = 'deny', rules = [] }: AuthZListProperties, identity: string): boolean {
  const rule = rules.find(({ match, format = 'exact' }) =>
    format === 'exact' ? match === identity : matchesGlob(match, identity),
  );
  return (rule?.policy ?? policy) === 'allow';
}
