/*
 * Scalars as people write them in options. All readers return `undefined` for text that is not the scalar wanted,
 * so that the caller, who knows the option, words the error.
 */

const onWords = new Set(['on', 'yes', 'true', 'y']);
const offWords = new Set(['off', 'no', 'false', 'n']);

/** Reads `on yes true y` and `off no false n`: exactly these, in lower case. */
export function readBoolean(text: string): boolean | undefined {
  if (onWords.has(text)) return true;
  return offWords.has(text) ? false : undefined;
}

const integer = /^[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))$/;

/**
 * Reads a C integer: base by prefix (`0x` hexadecimal, leading `0` octal), leading white space and a sign allowed, no suffix.
 * Unlimited in range; the caller checks it.
 */
export function readInteger(text: string): bigint | undefined {
  const match = integer.exec(text);
  if (!match) return undefined;
  const [, sign, hexadecimal, octal, decimal] = match;
  const value = BigInt(
    hexadecimal !== undefined ? `0x${hexadecimal}` : octal !== undefined ? `0o${octal || '0'}` : (decimal as string),
  );
  return sign === '-' ? -value : value;
}

const uint64Span = 1n << 64n;

/** Reads an unsigned 64-bit integer like {@link readInteger}; a negative one wraps as C's `strtoull` does (`-1` is 2^64-1). */
export function readUnsigned(text: string): bigint | undefined {
  const value = readInteger(text);
  if (value === undefined || value >= uint64Span || value <= -uint64Span) return undefined;
  return value < 0n ? value + uint64Span : value;
}

const decimalNumber = /^[ \t\n\v\f\r]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const hexadecimalNumber = /^[ \t\n\v\f\r]*([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?[0-9]+))?$/;

/** Reads C floating point text, decimal or hexadecimal. The value must be finite. */
export function readNumber(text: string): number | undefined {
  if (decimalNumber.test(text)) return finite(Number(text));
  const match = hexadecimalNumber.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  if (digits === '') return undefined;
  const value = Number(BigInt(`0x${digits}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return finite(sign === '-' ? -value : value);
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

const size = /^[ \t\n\v\f\r]*\+?(?:0[xX]([0-9a-fA-F]+)|([0-9]+)(\.[0-9]*)?([bBkKmMgGtTpPeE]?))$/;
const sizeSuffixes = 'bkmgtpe';

/**
 * Reads a size in bytes, 0 … 2^64-1: decimal digits with a suffix `B K M G T P E` in either case (powers of 1024), with a
 * fraction where the suffix is above bytes (exact to the byte, a half rounds up), or hexadecimal without either.
 */
export function readSize(text: string): bigint | undefined {
  const match = size.exec(text);
  if (!match) return undefined;
  const [, hexadecimal, whole, fraction, suffix] = match;
  const value = hexadecimal !== undefined ? BigInt(`0x${hexadecimal}`) : scaledSize(whole as string, fraction, suffix);
  return value !== undefined && value < uint64Span ? value : undefined;
}

function scaledSize(whole: string, fraction: string | undefined, suffix: string | undefined): bigint | undefined {
  const shift = suffix ? BigInt(10 * sizeSuffixes.indexOf(suffix.toLowerCase())) : 0n;
  if (fraction !== undefined && shift === 0n) return undefined;
  const digits = (fraction ?? '').slice(1);
  const unit = 10n ** BigInt(digits.length);
  // Twice the value, so that adding one before halving rounds a half up.
  const twice = ((BigInt(whole + digits) << shift) * 2n) / unit;
  return (twice + 1n) / 2n;
}
