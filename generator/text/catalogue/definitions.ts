import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI3xxx`: definitions whose keys, values or names break the rules. */
export const definitions = {} as const satisfies Record<string, DiagnosticKind<never>>;
