import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI2xxx`: text that is not a sequence of QAPI expressions, includes and pragmas. */
export const syntax = {} as const satisfies Record<string, DiagnosticKind<never>>;
