/** The input is not JSON, or exceeds the limits of the reader. The message says what is wrong, never where it came from. */
export class JsonSyntaxError extends SyntaxError {
  override name = 'JsonSyntaxError';
}

const QUOTED_LENGTH = 80;

/** Text from the peer, short enough to stand in a message. */
export function quote(text: string): string {
  return `'${text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH)}…` : text}'`;
}
