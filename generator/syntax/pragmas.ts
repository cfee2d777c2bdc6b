import { type Diagnostic, diagnostic } from '../text/diagnostic.js';
import { nearMiss } from '../text/near-miss.js';
import { type Construct, type Dialect, whenKnown } from './dialect.js';
import { describeValue, type Pragmas, type SyntaxObject, type SyntaxValue } from './tree.js';

/** Every pragma with a list of names: the setting that it makes, and when it exists. */
const lists: Readonly<Record<string, readonly [keyof Omit<Pragmas, 'docRequired'>, Construct]>> = {
  'returns-whitelist': ['commandReturnsExceptions', "pragma 'returns-whitelist'"],
  'name-case-whitelist': ['memberNameExceptions', "pragma 'returns-whitelist'"],
  'command-returns-exceptions': ['commandReturnsExceptions', "pragma 'command-returns-exceptions'"],
  'member-name-exceptions': ['memberNameExceptions', "pragma 'command-returns-exceptions'"],
  'command-name-exceptions': ['commandNameExceptions', "pragma 'command-returns-exceptions'"],
  'documentation-exceptions': ['documentationExceptions', "pragma 'documentation-exceptions'"],
};

/** The names that pragmas got and lost in 6.0. */
const successors: Readonly<Record<string, string>> = {
  'returns-whitelist': 'command-returns-exceptions',
  'name-case-whitelist': 'member-name-exceptions',
  'command-returns-exceptions': 'returns-whitelist',
  'member-name-exceptions': 'name-case-whitelist',
};

/** The pragmas of a schema without any. */
export const noPragmas: Pragmas = {
  docRequired: false,
  commandReturnsExceptions: new Set(),
  memberNameExceptions: new Set(),
  commandNameExceptions: new Set(),
  documentationExceptions: new Set(),
};

/** The pragmas in force after an expression with the key `pragma`, and what is wrong with it. */
export function applyPragma(
  before: Pragmas,
  expression: SyntaxObject,
  dialect: Dialect,
): { readonly pragmas: Pragmas; readonly diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const definition = { name: 'pragma', span: expression.span };
  for (const { key } of expression.pairs.values()) {
    if (key.value === 'pragma') continue;
    diagnostics.push(diagnostic('pragma-with-keys', { key: key.value }, key.span, { definition }));
    break;
  }
  const settings = expression.pairs.get('pragma')?.value;
  if (settings?.kind !== 'object') {
    if (settings) {
      const found = describeValue(settings);
      diagnostics.push(diagnostic('pragma-not-an-object', { found }, settings.span, { definition }));
    }
    return { pragmas: before, diagnostics };
  }
  let pragmas = before;
  for (const { key, value } of settings.pairs.values()) {
    const name = key.value;
    const [setting, construct] = lists[name] ?? [];
    if (name === 'doc-required') {
      if (value.kind === 'boolean') pragmas = { ...pragmas, docRequired: value.value };
      else
        diagnostics.push(
          diagnostic('pragma-not-a-boolean', { key: name, found: describeValue(value) }, value.span, { definition }),
        );
    } else if (setting && construct && dialect.has(construct)) {
      const wrong = value.kind === 'array' ? value.elements.find(({ kind }) => kind !== 'string') : value;
      if (wrong) {
        diagnostics.push(
          diagnostic('pragma-not-a-list', { key: name, found: describeValue(wrong) }, wrong.span, { definition }),
        );
      } else {
        pragmas = { ...pragmas, [setting]: new Set(namesOf(value)) };
      }
    } else {
      const known = [
        'doc-required',
        ...Object.keys(lists).filter((list) => dialect.has((lists[list] as [never, Construct])[1])),
      ];
      const near = known.find((candidate) => candidate === successors[name]) ?? nearMiss(name, known);
      const list = known.map((candidate) => `'${candidate}'`).join(', ');
      const when = construct && whenKnown(construct, dialect);
      const question = near === undefined ? undefined : `did you mean '${near}'?`;
      const hint = when === undefined ? question : [`'${name}' is ${when}`, question].filter(Boolean).join('; ');
      diagnostics.push(diagnostic('unknown-pragma', { key: name, known: list }, key.span, { definition, hint }));
    }
  }
  return { pragmas, diagnostics };
}

function namesOf(value: SyntaxValue): string[] {
  return value.kind === 'array'
    ? value.elements.flatMap((element) => (element.kind === 'string' ? [element.value] : []))
    : [];
}
