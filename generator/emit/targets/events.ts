import type { Event } from '../../schema/model.js';
import { stringLiteral } from '../identifier.js';
import { joinTables } from '../joined-tables.js';
import { eventsOf, hasArguments } from '../plan.js';
import { FileScope } from '../scope.js';
import { moduleText, type Target } from '../target.js';
import eventsTemplate from '../templates/events.hbs';
import eventsIndexTemplate from '../templates/events-index.hbs';
import { typeText } from '../type-text.js';
import { visitFunction } from '../visit-text.js';

/** The events of each module: the functions that emit them, and the table by which they are read. */
export const events: Target = {
  name: 'events',
  requires: ['types', 'client', 'visitors'],
  moduleFile(plan, module) {
    const declared = eventsOf(module);
    if (declared.length === 0) return undefined;
    const scope = new FileScope(plan, module, 'events');
    const code = eventsTemplate({
      client: scope.specifier('client', module),
      EventEntry: scope.runtimeType('EventEntry'),
      EventTable: scope.runtimeType('EventTable'),
      events: declared.map((event) => eventContext(scope, event)),
    });
    return moduleText(scope, module, code);
  },
  indexCode: (scope, modules) =>
    eventsIndexTemplate({
      EventEntry: scope.runtimeType('EventEntry'),
      EventTable: scope.runtimeType('EventTable'),
      tables: joinTables(scope, modules, 'events', 'events'),
    }),
};

function eventContext(scope: FileScope, event: Event): object {
  const features = event.features.map((feature) => stringLiteral(feature.name)).join(', ');
  const context = {
    name: stringLiteral(event.name),
    EventSink: scope.runtimeType('EventSink'),
    emitter: scope.plan.names.emitter(event),
    entry: scope.plan.names.entry(event),
    EventEntry: scope.runtimeType('EventEntry'),
    features,
  };
  if (!hasArguments(event)) return { ...context, data: '', codec: '', encode: '', visit: '' };
  return {
    ...context,
    data: typeText(scope, event.arguments),
    codec: scope.runtimeValue('codec'),
    encode: scope.runtimeValue('encode'),
    visit: visitFunction(scope, event.arguments),
  };
}
