import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI50xx`: documentation comments that do not have the form of one. */
export const docComments = {
  'text-after-doc-mark': {
    code: 'QAPI5001',
    severity: 'error',
    message: ({ role }: { role: string }) =>
      `the line that ${role} a documentation block must be '##' and nothing else`,
    explanation: 'A documentation block starts with a comment `##` and ends with one. Trailing blanks count as text.',
    example: {
      wrong: "## @reset:\n# Reset the machine.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'doc-without-blank': {
    code: 'QAPI5002',
    severity: 'error',
    message: () => "in a documentation block, '#' and the text after it must be separated by a blank",
    explanation: 'Every line of a documentation block is `#` alone or `# ` with text.',
    example: {
      wrong: "##\n# @reset:\n#Reset the machine.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'unclosed-documentation': {
    code: 'QAPI5003',
    severity: 'error',
    message: ({ found }: { found: string }) => `the documentation block must be closed by '##' before ${found}`,
    explanation: 'A documentation block consists of comments only and ends with a comment `##`.',
    example: {
      wrong: "##\n# @reset:\n#\n# Reset the machine.\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'symbol-without-colon': {
    code: 'QAPI5004',
    severity: 'error',
    message: () => "the line that names what a documentation block describes must end with ':'",
    explanation:
      'A documentation block whose first line starts with `@` describes a definition. That line is `@NAME:`.',
    example: {
      wrong: "##\n# @reset\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'missing-symbol': {
    code: 'QAPI5005',
    severity: 'error',
    message: () => "between '@' and ':' stands the name of the definition that is described",
    explanation:
      'A documentation block whose first line starts with `@` describes a definition. That line is `@NAME:`.',
    example: {
      wrong: "##\n# @:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'documentation-without-definition': {
    code: 'QAPI5006',
    severity: 'error',
    message: ({ symbol, found }: { symbol: string; found: string }) =>
      `the documentation of '${symbol}' must be followed directly by its definition, not by ${found}`,
    explanation:
      'Documentation stands directly before the definition that it describes: no include, pragma or other documentation block comes between them.',
    example: {
      wrong: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'pragma': {} }\n{ 'command': 'reset' }",
      right: "{ 'pragma': {} }\n##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'documentation-without-symbol': {
    code: 'QAPI5007',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `this stands before the definition of '${name}', so it must be its documentation: start it with '# @${name}:'`,
    explanation:
      'Free-form documentation cannot stand directly before a definition: put the documentation of the definition between them.',
    example: {
      wrong: "##\n# Reset the machine.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.\n##\n{ 'command': 'reset' }",
    },
  },
  'description-in-free-form': {
    code: 'QAPI5008',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `'@${name}:' cannot stand here: members are described in the documentation of a definition, whose first line names it, before its other sections`,
    explanation:
      'A line that starts with `@NAME:` describes a member, argument, value, branch or feature. That makes no sense in free-form documentation, nor (up to 8.2) in the middle of other text.',
    example: {
      wrong: '##\n# Some words first.\n#\n# @now: at once\n##',
      right: '##\n# Some words first.\n##',
    },
  },
  'description-after-section': {
    code: 'QAPI5009',
    severity: 'error',
    message: ({ name, section }: { name: string; section: string }) =>
      `'@${name}:' is described too late: descriptions of members come before ${section}`,
    explanation:
      'After the general text come the descriptions of members, then sections such as `Returns:` and `Since:`.',
    example: {
      wrong:
        "##\n# @reset:\n#\n# Since: 1.0\n#\n# @now: at once\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
      right:
        "##\n# @reset:\n#\n# @now: at once\n#\n# Since: 1.0\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
    },
  },
  'description-without-name': {
    code: 'QAPI5010',
    severity: 'error',
    message: () => "between '@' and ':' stands the name of the member or feature that is described",
    explanation:
      'A line that starts with `@NAME:` describes the member, argument, value, branch or feature of that name.',
    example: {
      wrong: "##\n# @reset:\n#\n# @: at once\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
      right: "##\n# @reset:\n#\n# @now: at once\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
    },
  },
  'repeated-description': {
    code: 'QAPI5011',
    severity: 'error',
    message: ({ name }: { name: string }) => `'@${name}' is described twice`,
    explanation: 'Everything is described once.',
    example: {
      wrong:
        "##\n# @reset:\n#\n# @now: at once\n#\n# @now: soon\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
      right: "##\n# @reset:\n#\n# @now: at once\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
    },
  },
  'repeated-section': {
    code: 'QAPI5012',
    severity: 'error',
    message: ({ tag }: { tag: string }) => `there already is a section '${tag}' in this documentation block`,
    explanation:
      'A documentation block has at most one section `Returns`, one `Since` and one `Errors`, and one list of features.',
    example: {
      wrong: "##\n# @reset:\n#\n# Since: 1.0\n#\n# Since: 1.1\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Since: 1.0\n##\n{ 'command': 'reset' }",
    },
  },
  'empty-section': {
    code: 'QAPI5013',
    severity: 'error',
    message: ({ section }: { section: string }) => `there is no text after '${section}'`,
    explanation:
      'Descriptions and sections have text. From 9.0 the lines after the first belong to a section only when they are indented.',
    example: {
      wrong: "##\n# @reset:\n#\n# Since:\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Since: 1.0\n##\n{ 'command': 'reset' }",
    },
  },
  'features-without-description': {
    code: 'QAPI5014',
    severity: 'error',
    message: () => "after 'Features:' come descriptions '@NAME: …', but here is something else",
    explanation: 'The line `Features:` starts a list of descriptions of features.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @reset:\n#\n# Features:\n#\n# It is fast.\n##\n{ 'command': 'reset', 'features': [ 'fast' ] }",
      right:
        "##\n# @reset:\n#\n# Features:\n#\n# @fast: It is fast.\n##\n{ 'command': 'reset', 'features': [ 'fast' ] }",
    },
  },
  'unexpected-dedent': {
    code: 'QAPI5015',
    severity: 'error',
    message: ({ least }: { least: number }) =>
      `this line belongs to the section above and must be indented by at least ${least} blank${least === 1 ? '' : 's'}, like the line that sets its indentation`,
    explanation:
      'The lines of a description or section have a common indentation: from 5.2 to 8.0 that of the text after the colon, later that of the second line.',
    example: {
      dialect: '11.1',
      wrong:
        "##\n# @reset:\n#\n# @now: at once,\n#     or so,\n#   or soon\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
      right:
        "##\n# @reset:\n#\n# @now: at once,\n#     or so,\n#     or soon\n##\n{ 'command': 'reset', 'data': { 'now': 'bool' } }",
    },
  },
  'misplaced-heading': {
    code: 'QAPI5016',
    severity: 'error',
    message: ({ rule }: { rule: string }) => `a line that starts with '=' is a heading: ${rule}`,
    explanation:
      'From 5.2 to 10.0, `= TITLE` as the first line of a free-form documentation block is a heading. Elsewhere it is an error from 5.2 in the documentation of definitions, and from 9.0 also in free-form blocks.',
    example: {
      dialect: '9.0',
      wrong: '##\n# Words.\n#\n# = Machines\n##',
      right: '##\n# = Machines\n#\n# Words.\n##',
    },
  },
  'outdated-section': {
    code: 'QAPI5017',
    severity: 'error',
    message: ({ tag, markup }: { tag: string; markup: string }) =>
      `'${tag}:' starts no section any more: write '${markup}'`,
    explanation:
      'From 9.1 notes and examples are written in the markup of the documentation tool: `.. note::` and `.. qmp-example::`, followed by a blank line and indented text.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @reset:\n#\n# Note: this takes time.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# .. note:: this takes time.\n##\n{ 'command': 'reset' }",
    },
  },
  'optional-marker': {
    code: 'QAPI5018',
    severity: 'error',
    message: ({ name }: { name: string }) =>
      `the description of '@${name}' must not say '#optional': the definition says what is optional`,
    explanation:
      'Up to 2.8 descriptions of optional members started with `#optional`; from 2.9 to 2.11 that is an error.',
    example: {
      dialect: '2.9',
      wrong: "##\n# @reset:\n#\n# @now: #optional at once\n##\n{ 'command': 'reset', 'data': { '*now': 'bool' } }",
      right: "##\n# @reset:\n#\n# @now: at once\n##\n{ 'command': 'reset', 'data': { '*now': 'bool' } }",
    },
  },
  'comment-after-documentation': {
    code: 'QAPI5019',
    severity: 'error',
    message: () =>
      'release 9.0 takes a comment directly after a documentation block for the start of another block: remove it',
    explanation: 'This is a defect of release 9.0 alone. Put the comment before the documentation block.',
    example: {
      dialect: '9.0',
      wrong: "##\n# Machines.\n##\n# to be continued\n\n{ 'pragma': {} }",
      right: "# to be continued\n\n##\n# Machines.\n##\n\n{ 'pragma': {} }",
    },
  },
  'long-documentation-line': {
    code: 'QAPI5020',
    severity: 'error',
    message: ({ limit }: { limit: number }) => `a line of documentation has at most ${limit} characters`,
    explanation:
      'From 10.2 lines of documentation are not wider than 70 characters, counted from the `#`. Free are a line that is nothing but a URL, and literal text: what is indented below a line `::` or `.. qmp-example::`.',
    example: {
      dialect: '11.1',
      wrong:
        "##\n# @reset:\n#\n# Reset the machine, which takes some time, and then lets it go on as before.\n##\n{ 'command': 'reset' }",
      right:
        "##\n# @reset:\n#\n# Reset the machine, which takes some time, and then lets it go on\n# as before.\n##\n{ 'command': 'reset' }",
    },
  },
  'one-blank-after-sentence': {
    code: 'QAPI5021',
    severity: 'error',
    message: () => 'two blanks stand between sentences',
    explanation:
      'From 10.2 a `.`, `!` or `?` and the start of the next sentence are separated by two blanks or the end of a line. Literal text is free: what is indented below a line `::` or `.. qmp-example::`.',
    example: {
      dialect: '11.1',
      wrong: "##\n# @reset:\n#\n# Reset the machine. This takes time.\n##\n{ 'command': 'reset' }",
      right: "##\n# @reset:\n#\n# Reset the machine.  This takes time.\n##\n{ 'command': 'reset' }",
    },
  },
} satisfies Record<string, DiagnosticKind<never>>;
