/** A character device that has been opened. */
export interface OpenChardev {
  /** Where clients find it. */
  readonly address: string;
  close(): Promise<void>;
}
