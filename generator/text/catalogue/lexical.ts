import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI1xxx`: characters and strings that are not QAPI. */
export const lexical = {} as const satisfies Record<string, DiagnosticKind<never>>;
