/** What a server says of itself when a connection is made. */
export interface QmpGreeting {
  readonly version: {
    readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
    readonly package: string;
  };
  /** What the server offers, such as `oob`. */
  readonly capabilities: readonly string[];
}
