const DIGITS = 17;

/**
 * A double as C's `%.17g` prints it, which is how QMP servers write numbers: `0.10000000000000001`, `1e+17`, `-0`, `inf`.
 */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0';
  if (Number.isSafeInteger(value)) return String(value);
  const [mantissa = '', power = '0'] = rounded(value).split('e');
  const exponent = Number(power);
  const sign = value < 0 ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '').replace(/0+$/, '');
  if (exponent < -4 || exponent >= DIGITS) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const magnitude = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${digits.charAt(0)}${fraction}e${exponent < 0 ? '-' : '+'}${magnitude}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return sign + whole + (fraction && `.${fraction}`);
}

/** The value in scientific notation with 17 digits; an exact tie goes to the even digit, where JavaScript would round up. */
function rounded(value: number): string {
  const up = value.toExponential(DIGITS - 1);
  // A double that lies midway has exactly one digit more, a 5.
  const exact = value.toExponential(DIGITS + 20);
  const tie = /^-?\d\.\d{16}50{20}e/.test(exact);
  if (!tie || !/[13579]e/.test(up)) return up;
  return `${exact.slice(0, exact.indexOf('.') + DIGITS)}${up.slice(up.indexOf('e'))}`;
}
