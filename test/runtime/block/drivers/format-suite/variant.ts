import type { OptionValue } from '../../../../../runtime/block/options.js';

/** A kind of image that is tried out. */
export interface FormatVariant {
  readonly format: string;
  /** Sectors of the disk. */
  readonly sectors: number;
  /** Create options. */
  readonly options?: { readonly [name: string]: OptionValue };
  /** Sectors of the backing file. Absent: there is none. */
  readonly backing?: number;
  /** Its format. Default: `raw`. */
  readonly backingFormat?: string;
  /** Sectors of the clusters that can be written compressed. Absent: none can. */
  readonly packs?: number;
  /** What was not closed cannot be written before it was repaired. */
  readonly marked?: true;
  /** Options with which it is opened. */
  readonly opening?: object;
}

/** A variant as test names have it. */
export function titleOf({ format, sectors, options = {}, backing = 0 }: FormatVariant): string {
  const list = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return [format, ...list, `${sectors} sectors`, ...(backing > 0 ? [`over ${backing}`] : [])].join(' ');
}
