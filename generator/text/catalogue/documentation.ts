import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI5xxx`: documentation comments. */
export const documentation = {} as const satisfies Record<string, DiagnosticKind<never>>;
