import type { DiagnosticKind } from '../diagnostic.js';

/** `QAPI52xx`: the examples in documentation comments. */
export const examples = {
  'example-not-json': {
    code: 'QAPI5201',
    severity: 'warning',
    message: ({ reason }: { reason: string }) => `the message of this example is no JSON: ${reason}`,
    explanation:
      'Behind `->` and `<-` at the start of a line, documentation shows what a client sends and receives. Where something is left out, `...` stands for it.',
    example: {
      wrong:
        '##\n# @reset:\n#\n# Reset the machine.\n#\n# .. qmp-example::\n#\n#     -> { "execute" "reset" }\n#     <- { "return": {} }\n##\n{ \'command\': \'reset\' }',
      right:
        '##\n# @reset:\n#\n# Reset the machine.\n#\n# .. qmp-example::\n#\n#     -> { "execute": "reset" }\n#     <- { "return": {} }\n##\n{ \'command\': \'reset\' }',
    },
  },
  'example-of-nothing': {
    code: 'QAPI5202',
    severity: 'warning',
    message: ({ what, name }: { what: string; name: string }) =>
      `this example shows the ${what} '${name}', which is not defined`,
    explanation: 'An example shows commands and events of the schema.',
    example: {
      wrong:
        '##\n# @reset:\n#\n# Reset the machine.\n#\n# .. qmp-example::\n#\n#     -> { "execute": "restart" }\n##\n{ \'command\': \'reset\' }',
      right:
        '##\n# @reset:\n#\n# Reset the machine.\n#\n# .. qmp-example::\n#\n#     -> { "execute": "reset" }\n##\n{ \'command\': \'reset\' }',
    },
  },
  'example-not-valid': {
    code: 'QAPI5203',
    severity: 'warning',
    message: ({ fault }: { fault: string }) => `this example is not as the schema says: ${fault}`,
    explanation:
      'The arguments, results and data of an example have the members that the schema demands, no others, and values of their types.',
    example: {
      wrong:
        '##\n# @reset:\n#\n# Reset the machine.\n#\n# @delay: seconds to wait\n#\n# .. qmp-example::\n#\n#     -> { "execute": "reset", "arguments": { "delay": "2" } }\n##\n{ \'command\': \'reset\', \'data\': { \'delay\': \'int\' } }',
      right:
        "##\n# @reset:\n#\n# Reset the machine.\n#\n# @delay: seconds to wait\n#\n# .. qmp-example::\n#\n#     -> { \"execute\": \"reset\", \"arguments\": { \"delay\": 2 } }\n##\n{ 'command': 'reset', 'data': { 'delay': 'int' } }",
    },
  },
} satisfies Record<string, DiagnosticKind<never>>;
