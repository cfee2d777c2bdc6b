import type { Command, Module } from '../../schema/model.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { commentLines, definitionDoc } from '../doc/tsdoc.js';
import { docContext } from '../doc-context.js';
import { memberName, stringLiteral } from '../identifier.js';
import { joinTables } from '../joined-tables.js';
import { isEmpty, isOpenPosition } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, type Target } from '../target.js';
import commandsTemplate from '../templates/commands.hbs';
import commandsIndexTemplate from '../templates/commands-index.hbs';
import { emptyObject, typeText } from '../type-text.js';
import { visitFunction } from '../visit-text.js';

/** The commands of each module: their types, the interface of their handlers, and the table by which they are dispatched. */
export const commands: Target = {
  name: 'commands',
  requires: ['types', 'visitors'],
  moduleFile(plan, module) {
    const declared = commandsOf(module);
    if (declared.length === 0) return undefined;
    const scope = new FileScope(plan, module, 'commands');
    const printer = new DeclarationPrinter();
    const context = docContext(scope, 2);
    const properties = declared.map(
      (command): Property => ({
        name: memberName(command.name),
        type: commandText(scope, command),
        comment: () => commentLines(definitionDoc(command, command.doc, context)),
      }),
    );
    printer.interface('Commands', [], properties, () => [
      'The commands of this module: what they take and what they return.',
    ]);
    printer.code(
      commandsTemplate({
        CommandContext: scope.runtimeType('CommandContext'),
        CommandEntry: scope.runtimeType('CommandEntry'),
        CommandTable: scope.runtimeType('CommandTable'),
        commands: declared.map((command) => entryContext(scope, command)),
      }),
    );
    return moduleText(scope, module, printer.toString());
  },
  indexCode: (scope, modules) =>
    commandsIndexTemplate({
      CommandContext: scope.runtimeType('CommandContext'),
      CommandEntry: scope.runtimeType('CommandEntry'),
      CommandTable: scope.runtimeType('CommandTable'),
      ...joinTables(scope, modules, 'commands', 'Commands', 'commands'),
    }),
};

function commandsOf(module: Module): Command[] {
  return module.definitions.filter((definition) => definition.kind === 'command');
}

function commandText(scope: FileScope, command: Command): string {
  const open = command.returns !== undefined && isOpenPosition(scope.plan, command.returns);
  const returns = command.returns ? typeText(scope, command.returns, open) : 'void';
  return `{ arguments: ${argumentsText(scope, command)}; returns: ${returns} }`;
}

function hasArguments(command: Command): boolean {
  return command.arguments !== undefined && !isEmpty(command.arguments);
}

/** A command without generated marshalling (`gen: false`) looks at its arguments itself: it may take more than the schema says. */
function argumentsText(scope: FileScope, command: Command): string {
  if (!command.arguments || !hasArguments(command)) return emptyObject;
  const text = typeText(scope, command.arguments);
  return command.gen ? text : `${text} & ${scope.runtimeType('JsonObject')}`;
}

function entryContext(scope: FileScope, command: Command): object {
  const name = stringLiteral(command.name);
  return {
    name,
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
  if (!command.arguments || !hasArguments(command)) return scope.runtimeValue('visitEmpty');
  return command.gen ? visitFunction(scope, command.arguments) : scope.runtimeValue('visitAny');
}
