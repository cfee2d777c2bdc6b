import { marker } from './header.js';

/** What the files of an output folder are known by: the tool replaces and removes no others. */
export interface OutputKind {
  /** The file that every such folder has. */
  readonly index: string;
  /** How files start, by their extension. */
  readonly markers: Readonly<Record<string, string>>;
}

/** A folder of generated code. */
export const codeFolder: OutputKind = { index: 'index.ts', markers: { '.ts': marker } };
