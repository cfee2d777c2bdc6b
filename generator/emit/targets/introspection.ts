import { introspect } from '../../schema/introspect.js';
import type { Schema, UnionType } from '../../schema/model.js';
import { FileScope } from '../scope.js';
import { schemaText, type Target } from '../target.js';
import introspectionTemplate from '../templates/introspection.hbs';

/** What `query-qmp-schema` returns for the schema, as data. */
export const introspection: Target = {
  name: 'introspection',
  requires: ['types'],
  schemaFile(plan) {
    const scope = new FileScope(plan, undefined, 'introspection');
    const info = schemaInfo(plan.schema);
    const context = {
      type: info ? scope.type(info) : scope.runtimeType('JsonValue'),
      infos: introspect(plan.schema, { mask: true }).map((entity) => JSON.stringify(entity)),
    };
    return schemaText(scope, introspectionTemplate(context));
  },
};

/** The type that the schema itself gives the data: the element of what `query-qmp-schema` returns. */
function schemaInfo(schema: Schema): UnionType | undefined {
  const command = schema.lookup('query-qmp-schema');
  if (command?.kind !== 'command' || command.returns?.kind !== 'array') return undefined;
  const info = command.returns.element;
  return info.kind === 'union' && info.tag.name === 'meta-type' ? info : undefined;
}
