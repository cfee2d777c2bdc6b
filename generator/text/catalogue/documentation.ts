import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI5xxx`: documentation comments. */
export const documentation = {
  'undocumented-definition': {
    code: 'QAPI5101',
    severity: 'error',
    message: ({ name }: { name: string }) => `'${name}' must be documented: the schema sets the pragma 'doc-required'`,
    explanation:
      'With the pragma `doc-required` every definition has a documentation block directly before it, whose first line is `# @NAME:`.',
    example: {
      dialect: '11.1',
      wrong: "{ 'pragma': { 'doc-required': true } }\n{ 'command': 'reset' }",
      right:
        "{ 'pragma': { 'doc-required': true } }\n\n##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'misdirected-documentation': {
    code: 'QAPI5102',
    severity: 'error',
    message: ({ symbol, name }: { symbol: string; name: string }) =>
      `this documents '${symbol}', but the definition after it is '${name}'`,
    explanation: 'A documentation block that starts with `# @NAME:` describes the definition that follows it directly.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @restart:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'section-of-commands': {
    code: 'QAPI5103',
    severity: 'error',
    message: ({ tag, meta }: { tag: string; meta: string }) =>
      `a section '${tag}' only makes sense for a command, and this is the documentation of ${/^[aeu]/.test(meta) && meta !== 'union' ? 'an' : 'a'} ${meta}`,
    explanation: 'Only commands return something or fail.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @GONE:\n#\n# The disk is gone.\n#\n# Returns: nothing\n##\n{ 'event': 'GONE' }",
      right: "##\n# @GONE:\n#\n# The disk is gone.\n##\n{ 'event': 'GONE' }",
    },
  },
  'returns-nothing': {
    code: 'QAPI5104',
    severity: 'error',
    message: (_: object) => "there is a section 'Returns', but the command returns nothing: it has no 'returns'",
    explanation: 'From 9.0 the section `Returns` is for commands that return something.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @reset:\n#\n# Reset the machine.\n#\n# Returns: nothing\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'undescribed-member': {
    code: 'QAPI5105',
    severity: 'error',
    message: ({ what, name }: { what: string; name: string }) =>
      `${what} '${name}' is not described: its documentation needs a line '# @${name}: …'`,
    explanation:
      'From 9.0 a documentation block describes every member, value, branch and argument that the definition itself lists. The pragma `documentation-exceptions` excepts definitions.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @Disk:\n#\n# A disk.\n##\n{ 'struct': 'Disk', 'data': { 'size': 'int' } }",
      right:
        "##\n# @Disk:\n#\n# A disk.\n#\n# @size: its size in bytes\n##\n{ 'struct': 'Disk', 'data': { 'size': 'int' } }",
    },
  },
  'undescribed-feature': {
    code: 'QAPI5106',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `feature '${name}' is not described: its documentation needs a line '# @${name}: …' under 'Features:'`,
    explanation:
      'From 4.2 a documentation block describes every feature of the definition and of its members, in the list that `Features:` starts.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset', 'features': [ 'quick' ] }",
      right:
        "##\n# @reset:\n#\n# Reset the machine.\n#\n# Features:\n#\n# @quick: takes no time\n##\n{ 'command': 'reset', 'features': [ 'quick' ] }",
    },
  },
  'described-member-missing': {
    code: 'QAPI5107',
    severity: 'error',
    message: ({ name, definition }: { name: string; definition: string }) =>
      `'@${name}' is described, but '${definition}' has no such member of its own`,
    explanation:
      'A documentation block describes what the definition itself lists: inherited members, members of a named argument type and branches of unions are described elsewhere.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @reset:\n#\n# Reset the machine.\n#\n# @now: at once\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'described-feature-missing': {
    code: 'QAPI5108',
    severity: 'error',
    message: ({ name, definition }: { name: string; definition: string }) =>
      `the feature '@${name}' is described, but neither '${definition}' nor a member of it has it`,
    explanation: 'Under `Features:` a documentation block describes the features of the definition and of its members.',
    example: {
      dialect: '11.1',
      wrong:
        "##\n# @reset:\n#\n# Reset the machine.\n#\n# Features:\n#\n# @quick: takes no time\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
} satisfies Record<string, DiagnosticKind<never>>;
