/** An option's text that cannot be read. The message names the key, or the place in the text, and says what would be right. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
  /** The key at fault, dotted, where there is one. */
  readonly key: string | undefined;

  constructor(message: string, key?: string) {
    super(message);
    this.key = key;
  }
}
