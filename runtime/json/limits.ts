/** How much of one message a reader takes before it gives up on it. */
export interface JsonLimits {
  /** Open `{` plus open `[`, the outermost included. */
  readonly nesting: number;
  /** Tokens, punctuation included. */
  readonly tokens: number;
  /** Bytes of all tokens as sent, white space excluded; a message must stay below. */
  readonly text: number;
}

const MEBIBYTE = 1024 * 1024;

/** What a QMP server takes from its clients (spec of the wire, "Limits"). */
export const REQUEST_LIMITS: JsonLimits = { nesting: 1024, tokens: 2 * MEBIBYTE, text: 64 * MEBIBYTE };

/**
 * What a client takes from its server. Servers have no limit on output and long replies are legitimate; these bounds only keep
 * a broken peer from using up the memory.
 */
export const REPLY_LIMITS = { nesting: 2048, text: 256 * MEBIBYTE };
