import { commentLines, definitionDoc } from '../../doc/tsdoc.js';
import type { Command, Event, Module } from '../../schema/model.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { docContext } from '../doc-context.js';
import { memberName } from '../identifier.js';
import { joinInterfaces } from '../joined-tables.js';
import { commandsOf, declaredTypes, eventsOf, hasArguments, isOpenPosition } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, schemaText, type Target } from '../target.js';
import clientTemplate from '../templates/client.hbs';
import { emptyObject, typeText } from '../type-text.js';

/**
 * What types a client: the commands and events of each module by name, and a door to them and to all types of the schema. It has
 * nothing that exists at run time and imports no visitors, so that a compiler reads no more than types.
 */
export const client: Target = {
  name: 'client',
  requires: ['types'],
  ownDoor: true,
  moduleFile(plan, module) {
    const commands = commandsOf(module);
    const events = eventsOf(module);
    if (commands.length + events.length === 0) return undefined;
    const scope = new FileScope(plan, module, 'client');
    const printer = new DeclarationPrinter();
    const context = docContext(scope, 2);
    const entry = (definition: Command | Event, type: string): Property => ({
      name: memberName(definition.name),
      type,
      comment: () => commentLines(definitionDoc(definition, definition.doc, context)),
    });
    const declare = (name: string, entries: readonly Property[], comment: string): void => {
      if (entries.length > 0) printer.interface(name, [], entries, () => [comment]);
    };
    declare(
      'Commands',
      commands.map((command) => entry(command, commandText(scope, command))),
      'The commands of this module: what they take and what they return.',
    );
    declare(
      'Events',
      events.map((event) => entry(event, eventText(scope, event))),
      'The events of this module: what they carry.',
    );
    return moduleText(scope, module, printer.toString());
  },
  schemaFile(plan) {
    const scope = new FileScope(plan, undefined, 'client');
    const { modules } = plan.schema;
    const having = (definitions: (module: Module) => readonly unknown[]): Module[] =>
      modules.filter((module) => definitions(module).length > 0);
    const context = {
      types: having((module) => declaredTypes(plan, module)).map((module) => scope.specifier('types', module)),
      commands: joinInterfaces(scope, having(commandsOf), 'client', 'Commands'),
      events: joinInterfaces(scope, having(eventsOf), 'client', 'Events'),
    };
    return schemaText(scope, clientTemplate(context));
  },
  indexCode: (scope) => `export type { Commands, Events } from ${scope.specifier('client')};\n`,
};

/** A command as the table of all commands has it: what it takes and what it returns. */
export function commandText(scope: FileScope, command: Command): string {
  const open = command.returns !== undefined && isOpenPosition(scope.plan, command.returns);
  const returns = command.returns ? typeText(scope, command.returns, open) : 'void';
  return `{ arguments: ${argumentsText(scope, command)}; returns: ${returns} }`;
}

/** A command without generated marshalling (`gen: false`) looks at its arguments itself: it may take more than the schema says. */
function argumentsText(scope: FileScope, command: Command): string {
  if (!hasArguments(command)) return emptyObject;
  const text = typeText(scope, command.arguments);
  return command.gen ? text : `${text} & ${scope.runtimeType('JsonObject')}`;
}

/** An event as the table of all events has it. */
export function eventText(scope: FileScope, event: Event): string {
  return `{ data: ${hasArguments(event) ? typeText(scope, event.arguments) : 'undefined'} }`;
}
