/** A file to be written, relative to the output folder. */
export interface GeneratedFile {
  /** `/`-separated. */
  readonly path: string;
  readonly text: string;
}
