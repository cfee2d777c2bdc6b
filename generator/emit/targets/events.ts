import type { Event, Module } from '../../schema/model.js';
import { DeclarationPrinter, type Property } from '../declarations.js';
import { commentLines, definitionDoc } from '../doc/tsdoc.js';
import { docContext } from '../doc-context.js';
import { memberName, stringLiteral } from '../identifier.js';
import { joinTables } from '../joined-tables.js';
import { isEmpty } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, type Target } from '../target.js';
import eventsTemplate from '../templates/events.hbs';
import eventsIndexTemplate from '../templates/events-index.hbs';
import { typeText } from '../type-text.js';
import { visitFunction } from '../visit-text.js';

/** The events of each module: their types, the functions that emit them, and the table by which they are read. */
export const events: Target = {
  name: 'events',
  requires: ['types', 'visitors'],
  moduleFile(plan, module) {
    const declared = eventsOf(module);
    if (declared.length === 0) return undefined;
    const scope = new FileScope(plan, module, 'events');
    const printer = new DeclarationPrinter();
    const context = docContext(scope, 2);
    const properties = declared.map(
      (event): Property => ({
        name: memberName(event.name),
        type: eventText(scope, event),
        comment: () => commentLines(definitionDoc(event, event.doc, context)),
      }),
    );
    printer.interface('Events', [], properties, () => ['The events of this module: what they carry.']);
    printer.code(
      eventsTemplate({
        EventEntry: scope.runtimeType('EventEntry'),
        EventTable: scope.runtimeType('EventTable'),
        events: declared.map((event) => eventContext(scope, event)),
      }),
    );
    return moduleText(scope, module, printer.toString());
  },
  indexCode: (scope, modules) =>
    eventsIndexTemplate({
      EventEntry: scope.runtimeType('EventEntry'),
      EventTable: scope.runtimeType('EventTable'),
      ...joinTables(scope, modules, 'events', 'Events', 'events'),
    }),
};

function eventsOf(module: Module): Event[] {
  return module.definitions.filter((definition) => definition.kind === 'event');
}

function eventText(scope: FileScope, event: Event): string {
  return `{ data: ${event.arguments && !isEmpty(event.arguments) ? typeText(scope, event.arguments) : 'undefined'} }`;
}

function eventContext(scope: FileScope, event: Event): object {
  const data = event.arguments && !isEmpty(event.arguments) ? event.arguments : undefined;
  const features = event.features.map((feature) => stringLiteral(feature.name)).join(', ');
  const context = {
    name: stringLiteral(event.name),
    EventSink: scope.runtimeType('EventSink'),
    emitter: scope.plan.names.emitter(event),
    features,
  };
  if (!data) return { ...context, data: '', codec: '', encode: '', visit: '' };
  return {
    ...context,
    data: typeText(scope, data),
    codec: scope.runtimeValue('codec'),
    encode: scope.runtimeValue('encode'),
    visit: visitFunction(scope, data),
  };
}
