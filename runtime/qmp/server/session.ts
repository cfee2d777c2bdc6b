/** What a server remembers of one connection. */
export class ServerSession {
  /** Capabilities that the transport can serve. */
  readonly offered: readonly string[];
  readonly #enabled = new Set<string>();
  #negotiating = true;

  constructor(offered: readonly string[]) {
    this.offered = offered;
  }

  /** Whether only `qmp_capabilities` is understood yet. */
  get negotiating(): boolean {
    return this.#negotiating;
  }

  /** Whether the client may send `exec-oob`. */
  get outOfBand(): boolean {
    return this.#enabled.has('oob');
  }

  /** Ends the negotiation. */
  negotiated(enabled: Iterable<string>): void {
    for (const capability of enabled) this.#enabled.add(capability);
    this.#negotiating = false;
  }
}
