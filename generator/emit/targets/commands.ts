import type { Command } from '../../schema/model.js';
import { stringLiteral } from '../identifier.js';
import { joinTables } from '../joined-tables.js';
import { commandsOf, hasArguments } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, type Target } from '../target.js';
import commandsTemplate from '../templates/commands.hbs';
import commandsIndexTemplate from '../templates/commands-index.hbs';
import { visitFunction } from '../visit-text.js';

/** The commands of each module: the interface of their handlers, and the table by which they are dispatched. */
export const commands: Target = {
  name: 'commands',
  requires: ['types', 'client', 'visitors'],
  moduleFile(plan, module) {
    const declared = commandsOf(module);
    if (declared.length === 0) return undefined;
    const scope = new FileScope(plan, module, 'commands');
    const code = commandsTemplate({
      Commands: scope.typeFrom(module, 'client', 'Commands'),
      client: scope.specifier('client', module),
      CommandContext: scope.runtimeType('CommandContext'),
      CommandEntry: scope.runtimeType('CommandEntry'),
      CommandTable: scope.runtimeType('CommandTable'),
      commands: declared.map((command) => entryContext(scope, command)),
    });
    return moduleText(scope, module, code);
  },
  indexCode: (scope, modules) =>
    commandsIndexTemplate({
      CommandContext: scope.runtimeType('CommandContext'),
      CommandEntry: scope.runtimeType('CommandEntry'),
      CommandTable: scope.runtimeType('CommandTable'),
      Commands: scope.schemaType('client', 'Commands'),
      tables: joinTables(scope, modules, 'commands', 'commands'),
    }),
};

function entryContext(scope: FileScope, command: Command): object {
  const name = stringLiteral(command.name);
  return {
    name,
    entry: scope.plan.names.entry(command),
    reply: scope.plan.names.reply(command),
    ReplyEntry: scope.runtimeType('ReplyEntry'),
    CommandEntry: scope.runtimeType('CommandEntry'),
    codec: scope.runtimeValue('codec'),
    takes: argumentsVisitor(scope, command),
    returns: command.returns ? visitFunction(scope, command.returns) : '',
    call: hasArguments(command)
      ? `(handlers, args: Commands[${name}]['arguments'], context) => handlers[${name}](args, context)`
      : `(handlers, _args, context) => handlers[${name}]({}, context)`,
    allowOob: command.allowOob,
    allowPreconfig: command.allowPreconfig,
    silent: !command.successResponse,
    features: command.features.map((feature) => stringLiteral(feature.name)).join(', '),
  };
}

function argumentsVisitor(scope: FileScope, command: Command): string {
  if (!hasArguments(command)) return scope.runtimeValue('visitEmpty');
  return command.gen ? visitFunction(scope, command.arguments) : scope.runtimeValue('visitAny');
}
