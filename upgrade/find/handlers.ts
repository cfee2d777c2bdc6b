import type { ts } from 'ts-morph';
import type { Search } from '../finder.js';

/** Puts down the new commands that an object with a handler for every command has none for. */
export function reportMissingHandlers(search: Search, literal: ts.ObjectLiteralExpression, type: ts.Type): void {
  const { ts, meaning, changes, found, now, reserved } = search;
  const properties = meaning.checker.getPropertiesOfType(type);
  const isHandler = (property: ts.Symbol): boolean =>
    (property.flags & ts.SymbolFlags.Optional) === 0 &&
    meaning.elementsOf(property).some(({ kind }) => kind === 'command');
  const [first] = properties;
  if (!first || !isHandler(first) || !properties.every(isHandler)) return;
  const isOfAll = meaning.schema.definitions.every(
    ({ kind, name }) =>
      kind !== 'command' || reserved.has(name) || properties.some((property) => property.name === name),
  );
  const made = meaning.checker.getTypeAtLocation(literal);
  for (const command of isOfAll ? now.definitions : []) {
    if (
      command.kind !== 'command' ||
      reserved.has(command.name) ||
      meaning.checker.getPropertyOfType(made, command.name)
    )
      continue;
    for (const change of changes.of({ kind: 'command', of: command })) {
      if (change.kind !== 'command-added') continue;
      const remedy = 'implement it; `qapi-ts scaffold server` writes a skeleton';
      found.add({ node: literal, use: 'object', change, name: command.name, remedy });
    }
  }
}
