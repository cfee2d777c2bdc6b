import { invalid } from '../error.js';
import { chooseFrom } from './choose-from.js';
import { type DriveGeometry, translations } from './config.js';

/** The options of a geometry. */
export interface GeometryOptions {
  readonly cyls: number | undefined;
  readonly heads: number | undefined;
  readonly secs: number | undefined;
  readonly trans: string | undefined;
}

/** The geometry that was asked for, if any. @throws BlockError when it is incomplete or impossible */
export function geometryOf({ cyls, heads, secs, trans }: GeometryOptions): DriveGeometry | undefined {
  const given = cyls !== undefined || heads !== undefined || secs !== undefined;
  if (!given) {
    if (trans !== undefined) throw invalid("'trans' needs 'cyls', 'heads' and 'secs'");
    return undefined;
  }
  return {
    cylinders: atLeastOne('cyls', cyls),
    heads: atLeastOne('heads', heads),
    sectors: atLeastOne('secs', secs),
    translation: chooseFrom('trans', trans ?? 'auto', translations),
  };
}

function atLeastOne(key: string, value: number | undefined): number {
  if (value === undefined) throw invalid(`'${key}' is missing: a geometry has 'cyls', 'heads' and 'secs'`);
  if (value < 1) throw invalid(`'${key}' is ${value}, but must be at least 1`);
  return value;
}
