/** How parts of a message look. */
export interface Colours {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  /** For what is asked of the reader. */
  readonly hint: (text: string) => string;
  /** For what stands beside the point: places, line numbers. */
  readonly faint: (text: string) => string;
  readonly strong: (text: string) => string;
}

const plain = (text: string): string => text;
const sequence = (code: string) => (text: string) => (text === '' ? '' : `\u001b[${code}m${text}\u001b[0m`);

/** No colours, for files and pipes. */
export const noColours: Colours = { error: plain, warning: plain, hint: plain, faint: plain, strong: plain };

/** The sixteen colours that every terminal has. */
export const terminalColours: Colours = {
  error: sequence('1;31'),
  warning: sequence('1;33'),
  hint: sequence('36'),
  faint: sequence('2'),
  strong: sequence('1'),
};
