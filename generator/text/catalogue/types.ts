import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI4xxx`: types that are unknown or not usable where they are named. */
export const types = {
  'unknown-type': {
    code: 'QAPI4001',
    severity: 'error',
    message: ({ role, type }: { role: string; type: string }) => `${role} has the type '${type}', which is not defined`,
    explanation: 'Every type that a definition names must be a built-in type or be defined somewhere in the schema.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'size': 'sise' } }",
      right: "{ 'struct': 'Disk', 'data': { 'size': 'size' } }",
    },
  },
} as const satisfies Record<string, DiagnosticKind<never>>;
