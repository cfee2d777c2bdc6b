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
  'unusable-type': {
    code: 'QAPI4002',
    severity: 'error',
    message: ({ role, type, kind, usable }: { role: string; type: string; kind: string; usable: string }) =>
      `${role} cannot be '${type}', ${kind}: it must be ${usable}`,
    explanation:
      'Not every kind of type fits everywhere: a base is a struct, the branches of a union are structs, commands take and return objects.',
    example: {
      wrong: "{ 'command': 'resize', 'data': 'int' }",
      right: "{ 'command': 'resize', 'data': { 'size': 'int' } }",
    },
  },
  'not-a-type': {
    code: 'QAPI4003',
    severity: 'error',
    message: ({ role, expected, found }: { role: string; expected: string; found: string }) =>
      `${role} must be ${expected}, not ${found}`,
    explanation: 'A type is written as its name, or as an array that has the name as its only element.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'bootable': true } }",
      right: "{ 'struct': 'Disk', 'data': { 'bootable': 'bool' } }",
    },
  },
  'array-not-allowed': {
    code: 'QAPI4004',
    severity: 'error',
    message: ({ role }: { role: string }) => `${role} cannot be an array`,
    explanation:
      'Arrays can be members, return types, branches of simple unions and, from 7.1, branches of alternates. Arguments and branches of unions with a discriminator are objects.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': {} }\n{ 'command': 'add', 'data': [ 'Disk' ] }",
      right: "{ 'struct': 'Disk', 'data': {} }\n{ 'command': 'add', 'data': { 'disks': [ 'Disk' ] } }",
    },
  },
  'malformed-array-type': {
    code: 'QAPI4005',
    severity: 'error',
    message: ({ role }: { role: string }) => `${role} is an array type, which holds the name of one type: [ 'NAME' ]`,
    explanation:
      'An array type is an array with the name of the element type as its only element. Arrays of arrays do not exist.',
    example: {
      wrong: "{ 'struct': 'Disk', 'data': { 'sectors': [ 'int', 'str' ] } }",
      right: "{ 'struct': 'Disk', 'data': { 'sectors': [ 'int' ] } }",
    },
  },
  'base-without-discriminator': {
    code: 'QAPI4010',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `union '${name}' has a base but no discriminator: name the member of the base that selects the branch`,
    explanation:
      'A union with a base has a discriminator; one without is a simple union, which has no members beside `type` and `data`.',
    example: {
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Base', 'data': { 'e': 'Mode' } }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': 'Base', 'data': { 'a': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Base', 'data': { 'e': 'Mode' } }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': 'Base', 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
    },
  },
  'discriminator-without-base': {
    code: 'QAPI4011',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `union '${name}' has a discriminator but no base with members: the discriminator is a member of the base`,
    explanation: 'The discriminator is one of the members that all branches have in common, and those are in the base.',
    example: {
      wrong:
        "{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': {}, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
    },
  },
  'unknown-discriminator': {
    code: 'QAPI4012',
    severity: 'error',
    message: ({ name, base }: { name: string; base: string }) =>
      `the discriminator '${name}' is not a member of ${base}`,
    explanation:
      'A discriminator is spelled exactly as the member of the base. Up to 4.1 it must be the base’s own, not inherited.',
    example: {
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'my-e': 'Mode' }, 'discriminator': 'my_e', 'data': { 'a': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'my-e': 'Mode' }, 'discriminator': 'my-e', 'data': { 'a': 'Fast' } }",
    },
  },
  'discriminator-not-an-enum': {
    code: 'QAPI4013',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `the discriminator '${name}' must have an enum type, whose values name the branches`,
    explanation: 'Every branch of a union belongs to a value of the discriminator’s enum.',
    example: {
      wrong:
        "{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'str' }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
    },
  },
  'optional-discriminator': {
    code: 'QAPI4014',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `the discriminator '${name}' must not be optional: without its value there is no branch`,
    explanation: 'The discriminator decides which branch is meant, so it is always present.',
    example: {
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { '*e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
    },
  },
  'conditional-discriminator': {
    code: 'QAPI4015',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `the discriminator '${name}' must not be conditional: without it there is no branch`,
    explanation:
      'The discriminator decides which branch is meant, so it exists in every configuration in which the union does.',
    example: {
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': { 'type': 'Mode', 'if': 'CONFIG_E' } }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
    },
  },
  'union-without-branches': {
    code: 'QAPI4016',
    severity: 'error',
    message: ({ name }: { name: string }) => `union '${name}' has no branches`,
    explanation:
      'A union without branches has no values. From 4.2 `data` may be empty as long as the discriminator’s enum has values.',
    example: {
      dialect: '2.8',
      wrong: "{ 'union': 'Disk', 'data': {} }",
      right: "{ 'union': 'Disk', 'data': { 'number': 'int' } }",
    },
  },
  'branch-not-in-enum': {
    code: 'QAPI4017',
    severity: 'error',
    message: ({ name, type }: { name: string; type: string }) =>
      `there is no branch '${name}': the discriminator's enum '${type}' has no such value`,
    explanation: 'The branches of a union with a discriminator are named by the values of its enum.',
    example: {
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast', 'b': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a', 'b' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast', 'b': 'Fast' } }",
    },
  },
  'contains-itself': {
    code: 'QAPI4020',
    severity: 'error',
    message: ({ name }: { name: string }) => `'${name}' contains itself by its bases or branches`,
    explanation:
      'An object type has all members of its base and of the chosen branch, so these cannot lead back to it. Members of the same type are fine.',
    example: {
      wrong: "{ 'struct': 'Node', 'base': 'Node', 'data': {} }",
      right: "{ 'struct': 'Node', 'data': { '*next': 'Node' } }",
    },
  },
  'alternate-without-branches': {
    code: 'QAPI4021',
    severity: 'error',
    message: ({ name, least }: { name: string; least: string }) =>
      `alternate '${name}' needs at least ${least} in 'data'`,
    explanation: 'An alternate chooses between types. From 2.6 to 4.1 there must be at least two, later at least one.',
    example: {
      dialect: '2.8',
      wrong: "{ 'alternate': 'Ref', 'data': {} }",
      right: "{ 'alternate': 'Ref', 'data': { 'name': 'str', 'number': 'int' } }",
    },
  },
  'indeterminate-branch': {
    code: 'QAPI4022',
    severity: 'error',
    message: ({ name, type }: { name: string; type: string }) =>
      `branch '${name}' cannot have the type '${type}': its values are of no single JSON type by which it could be chosen`,
    explanation:
      'The branch of an alternate is chosen by the JSON type of the value. `any` and other alternates have no single one.',
    example: {
      wrong: "{ 'alternate': 'Ref', 'data': { 'name': 'str', 'other': 'any' } }",
      right: "{ 'alternate': 'Ref', 'data': { 'name': 'str', 'other': 'null' } }",
    },
  },
  'indistinguishable-branches': {
    code: 'QAPI4023',
    severity: 'error',
    message: ({ name, earlier }: { name: string; earlier: string }) =>
      `branch '${name}' cannot be distinguished from branch '${earlier}': some values would belong to both`,
    explanation:
      'The branch of an alternate is chosen by the JSON type of the value, so no two branches may share one. From 2.10 strings (also an enum’s `on` and `off`, or values that look like numbers) cannot stand beside booleans and numbers either, as command lines spell all of these as text.',
    example: {
      wrong: "{ 'alternate': 'Ref', 'data': { 'name': 'str', 'id': 'str' } }",
      right: "{ 'alternate': 'Ref', 'data': { 'name': 'str', 'none': 'null' } }",
    },
  },
  'boxed-without-data': {
    code: 'QAPI4024',
    severity: 'error',
    message: (_: object) => "'boxed' needs 'data' that names the argument type",
    explanation: 'Boxed arguments are passed as one value of a named type.',
    example: {
      wrong: "{ 'command': 'resize', 'boxed': true }",
      right:
        "{ 'struct': 'Resize', 'data': { 'size': 'int' } }\n{ 'command': 'resize', 'boxed': true, 'data': 'Resize' }",
    },
  },
  'union-not-boxed': {
    code: 'QAPI4025',
    severity: 'error',
    message: ({ type }: { type: string }) => `'data' can be the union '${type}' only with 'boxed': true`,
    explanation:
      'Without `boxed` every argument becomes a parameter of the C function, and the branches of a union are no list of parameters.',
    example: {
      dialect: '11.1',
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'union': 'Setup', 'base': { 'mode': 'Mode' }, 'discriminator': 'mode', 'data': {} }\n{ 'command': 'set-up', 'data': 'Setup' }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'union': 'Setup', 'base': { 'mode': 'Mode' }, 'discriminator': 'mode', 'data': {} }\n{ 'command': 'set-up', 'data': 'Setup', 'boxed': true }",
    },
  },
  'conditional-argument': {
    code: 'QAPI4026',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `argument '${name}' is conditional: that needs a named argument type and 'boxed': true`,
    explanation:
      'From 8.1 the arguments of commands and events can only be conditional where they are passed as one value of a named type.',
    example: {
      dialect: '11.1',
      wrong: "{ 'command': 'reset', 'data': { 'quick': { 'type': 'bool', 'if': 'CONFIG_QUICK' } } }",
      right:
        "{ 'struct': 'Reset', 'data': { 'quick': { 'type': 'bool', 'if': 'CONFIG_QUICK' } } }\n{ 'command': 'reset', 'data': 'Reset', 'boxed': true }",
    },
  },
  'missing-branch': {
    code: 'QAPI4501',
    severity: 'error',
    message: ({ union, value, type }: { union: string; value: string; type: string }) =>
      `union '${union}' has no branch for '${value}', a value of its discriminator's enum '${type}'`,
    explanation:
      'From 2.7 to 2.12 every value of the discriminator’s enum needs a branch; earlier releases leave it to chance, later ones add an empty branch.',
    example: {
      dialect: '2.8',
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'a', 'b' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a', 'b' ] }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': { 'e': 'Mode' }, 'discriminator': 'e', 'data': { 'a': 'Fast', 'b': 'Fast' } }",
    },
  },
  'boxed-empty': {
    code: 'QAPI4502',
    severity: 'error',
    message: ({ type }: { type: string }) => `'boxed' needs a type with members, but '${type}' has none`,
    explanation: 'Up to 4.1 a boxed argument type has members. A command without arguments has no `data`.',
    example: {
      dialect: '2.8',
      wrong: "{ 'struct': 'Empty', 'data': {} }\n{ 'command': 'reset', 'boxed': true, 'data': 'Empty' }",
      right: "{ 'command': 'reset' }",
    },
  },
  'discriminator-among-values': {
    code: 'QAPI4503',
    severity: 'error',
    message: ({ name, type }: { name: string; type: string }) =>
      `the discriminator '${name}' must not be named like a value of its enum '${type}'`,
    explanation:
      'In 2.5 generated C keeps the discriminator and the branches in one structure, so that their names must differ.',
    example: {
      dialect: '2.5',
      wrong:
        "{ 'enum': 'Mode', 'data': [ 'e' ] }\n{ 'struct': 'Base', 'data': { 'e': 'Mode' } }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': 'Base', 'discriminator': 'e', 'data': { 'e': 'Fast' } }",
      right:
        "{ 'enum': 'Mode', 'data': [ 'a' ] }\n{ 'struct': 'Base', 'data': { 'e': 'Mode' } }\n{ 'struct': 'Fast', 'data': {} }\n{ 'union': 'Disk', 'base': 'Base', 'discriminator': 'e', 'data': { 'a': 'Fast' } }",
    },
  },
  'star-without-gen': {
    code: 'QAPI4504',
    severity: 'error',
    message: ({ role }: { role: string }) => `${role} is '**', which only commands with 'gen': false can use`,
    explanation:
      'In 2.4 `**` stands for any value. No code can be generated for it, so that the command must have `gen`. From 2.5 it is spelled `any`.',
    example: {
      dialect: '2.4',
      wrong: "{ 'command': 'qom-set', 'data': { 'value': '**' } }",
      right: "{ 'command': 'qom-set', 'data': { 'value': '**' }, 'gen': false }",
    },
  },
} satisfies Record<string, DiagnosticKind<never>>;
