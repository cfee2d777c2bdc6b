/** Something that the user can put right: printed without a stack trace, exit code 1. */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, options: { readonly hint?: string | undefined; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}
