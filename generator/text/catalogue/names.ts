import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI31xx`: names of definitions, members, values, branches and features. */
export const names = {
  'malformed-name': {
    code: 'QAPI3101',
    severity: 'error',
    message: ({ what, name, reason }: { what: string; name: string; reason: string }) =>
      `'${name}' is no well-formed name for ${what}: ${reason}`,
    explanation:
      'A name starts with a letter and goes on with letters, digits, `-` and `_`. Vendors may put a reversed domain name in front: `__com.example_name`; only there dots are allowed. An enum value may also start with a digit. (Releases 2.4 and 2.5 also allowed a leading `_` and dots anywhere.)',
    example: {
      dialect: '11.1',
      wrong: "{ 'struct': 'Disk', 'data': { 'sector size': 'int' } }",
      right: "{ 'struct': 'Disk', 'data': { 'sector-size': 'int' } }",
    },
  },
  'reserved-prefix': {
    code: 'QAPI3102',
    severity: 'error',
    message: ({ what, name }: { what: string; name: string }) =>
      `'${name}' begins like a name that the language makes itself: 'q_' and 'q-' are not free for ${what}`,
    explanation:
      'Names that begin with `q_` or `q-` are kept for implicit types (`q_empty`, `q_obj_NAME-arg`) and for names that C forbids.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'q-depth': 'int' } }",
      right: "{ 'struct': 'Disk', 'data': { 'queue-depth': 'int' } }",
    },
  },
  'reserved-suffix': {
    code: 'QAPI3103',
    severity: 'error',
    message: ({ what, name, suffix }: { what: string; name: string; suffix: string }) =>
      `the name of ${what} must not end in '${suffix}': '${name}' could be the name of an implicit type`,
    explanation:
      'The type of arrays of `T` is called `TList`, and up to 6.1 the type of a simple union’s tag `UKind`; definitions must leave these names free. Up to 6.0 this holds for commands and events too.',
    example: {
      dialect: '11.1',
      wrong: "{ 'struct': 'DiskList', 'data': { 'count': 'int' } }",
      right: "{ 'struct': 'DiskListing', 'data': { 'count': 'int' } }",
    },
  },
  'reserved-member-name': {
    code: 'QAPI3104',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      name.startsWith('u')
        ? "a member must not be called 'u': generated C keeps the branches of a union there"
        : `a member's name must not begin with 'has-' or 'has_' as '${name}' does: generated C marks the presence of optional members so`,
    explanation:
      'The C structures generated from object types have members of their own: `u` for the branches of a union and `has_NAME` for the presence of the optional member `NAME`. Releases from 2.5 to 5.2 overlook optional members with such names.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'has-media': 'bool' } }",
      right: "{ 'struct': 'Disk', 'data': { 'media-present': 'bool' } }",
    },
  },
  'uppercase-name': {
    code: 'QAPI3105',
    severity: 'error',
    message: ({ what, name, way }: { what: string; name: string; way: string }) =>
      `'${name}' must not have uppercase letters as the name of ${what}; ${way}`,
    explanation:
      'From 2.6 to 5.2 members, enum values, branches and arguments are written in lowercase. The pragma `name-case-whitelist` (2.9 and later) excepts types that cannot change any more.',
    example: {
      dialect: '5.2',
      wrong: "{ 'struct': 'Disk', 'data': { 'sectorSize': 'int' } }",
      right: "{ 'struct': 'Disk', 'data': { 'sector-size': 'int' } }",
    },
  },
  'type-name-style': {
    code: 'QAPI3106',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `type names are written in CamelCase: '${name}' must start with an uppercase letter, have a lowercase one, and no '-' or '_'`,
    explanation:
      'From 6.0 the names of enums, structs, unions and alternates are CamelCase, at least two characters long.',
    example: {
      dialect: '11.1',
      wrong: "{ 'struct': 'disk_info', 'data': { 'size': 'int' } }",
      right: "{ 'struct': 'DiskInfo', 'data': { 'size': 'int' } }",
    },
  },
  'event-name-style': {
    code: 'QAPI3107',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `event names are written in uppercase with '_' between words: '${name}' must not have lowercase letters or '-'`,
    explanation: 'From 6.0 the names of events have neither lowercase letters nor `-`.',
    example: { dialect: '11.1', wrong: "{ 'event': 'disk-gone' }", right: "{ 'event': 'DISK_GONE' }" },
  },
  'lowercase-name-style': {
    code: 'QAPI3108',
    severity: 'error',
    message: ({ what, name, way }: { what: string; name: string; way: string }) =>
      `the name of ${what} is written in lowercase with '-' between words: '${name}' must not have uppercase letters or '_'${way}`,
    explanation:
      'From 6.0 commands, arguments, members, enum values, branches and features have neither uppercase letters nor `_`. The pragmas `command-name-exceptions` (`_` in the names of commands) and `member-name-exceptions` (both, in members of structs and unions and in enum values) list what cannot change any more.',
    example: { dialect: '11.1', wrong: "{ 'command': 'query_disk' }", right: "{ 'command': 'query-disk' }" },
  },
} satisfies Record<string, DiagnosticKind<never>>;
