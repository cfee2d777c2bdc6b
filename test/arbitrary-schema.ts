import fc from 'fast-check';

/** How a generated definition looks before its references are filled in. */
interface Names {
  readonly enums: readonly string[];
  readonly structs: readonly string[];
  readonly unions: readonly string[];
  readonly alternates: readonly string[];
}

const builtins = ['str', 'int', 'int8', 'uint16', 'int64', 'uint64', 'size', 'number', 'bool', 'any', 'null'] as const;

const memberNames = fc.uniqueArray(
  fc.constantFrom(
    'a',
    'bee',
    'c-d',
    'x-trial',
    'type',
    'class',
    '__org.example_own',
    'data',
    'name',
    'n2',
    'constructor',
  ),
  { maxLength: 5 },
);
const enumValues = fc.uniqueArray(fc.constantFrom('one', 'two', '3', '0x4', 'five-six', 'default', 'x-old'), {
  minLength: 1,
  maxLength: 6,
});
const condition: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('CONFIG_A', 'CONFIG_B2', 'TARGET_X86_64'),
    fc.record({ not: tie('any') }),
    fc.record({ all: fc.array(tie('any'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('any'), { minLength: 1, maxLength: 3 }) }),
  ),
})).any;
const features = fc.uniqueArray(
  fc.oneof(fc.constantFrom('fast', 'x-slow'), fc.record({ name: fc.constant('conditional'), if: condition })),
  { minLength: 1, maxLength: 3, selector: (feature) => (typeof feature === 'string' ? feature : feature.name) },
);

/** Some of the keys that any definition may have. */
const extras = fc.record({ if: condition, features }, { requiredKeys: [] });

function typeName(names: Names): fc.Arbitrary<string> {
  return fc.constantFrom(...builtins, ...names.enums, ...names.structs, ...names.unions, ...names.alternates);
}

function reference(names: Names): fc.Arbitrary<unknown> {
  return fc.oneof(
    typeName(names),
    typeName(names).map((name) => [name]),
  );
}

function members(names: Names, conditional: boolean): fc.Arbitrary<Record<string, unknown>> {
  const member = fc.oneof(
    { weight: 4, arbitrary: reference(names) },
    { weight: 1, arbitrary: fc.record({ type: reference(names), features }) },
    ...(conditional
      ? [
          {
            weight: 1,
            arbitrary: fc.record({ type: reference(names), if: condition, features }, { requiredKeys: ['type'] }),
          },
        ]
      : []),
  );
  return memberNames.chain((picked) =>
    fc
      .tuple(
        ...picked.map((name) =>
          fc.tuple(fc.boolean(), member).map(([optional, type]) => [optional ? `*${name}` : name, type]),
        ),
      )
      .map((entries) => Object.fromEntries(entries) as Record<string, unknown>),
  );
}

/** The values of every enum are the same few, so that a union's branches can be picked without looking the enum up. */
function definitions(names: Names): fc.Arbitrary<unknown[]> {
  const parts: fc.Arbitrary<unknown>[] = [];
  for (const name of names.enums) {
    const value = (text: string) =>
      fc.oneof(
        { weight: 3, arbitrary: fc.constant(text) },
        {
          weight: 1,
          arbitrary: fc.record({ name: fc.constant(text), if: condition, features }, { requiredKeys: ['name'] }),
        },
      );
    const data = enumValues.chain((values) => fc.tuple(...['zero', ...values].map(value)));
    parts.push(
      fc
        .tuple(data, extras, fc.boolean())
        .map(([list, rest, prefixed]) => ({ enum: name, ...(prefixed && { prefix: 'PRE_FIX' }), data: list, ...rest })),
    );
  }
  names.structs.forEach((name, index) => {
    // Bases come earlier and have no members that a later struct could repeat.
    const base = index > 0 && index % 3 === 0 ? { base: 'Empty' } : {};
    parts.push(
      fc.tuple(members(names, true), extras).map(([data, rest]) => ({ struct: name, ...base, data, ...rest })),
    );
  });
  for (const name of names.unions) {
    const branch = fc.oneof(fc.constant('Leaf'), fc.record({ type: fc.constant('Leaf'), if: condition }));
    const tag = fc.constantFrom(...names.enums);
    parts.push(
      fc.tuple(tag, fc.option(branch, { nil: undefined }), extras).map(([type, zero, rest]) => ({
        union: name,
        base: { kind: type, '*note': 'str' },
        discriminator: 'kind',
        data: zero === undefined ? {} : { zero },
        ...rest,
      })),
    );
  }
  for (const name of names.alternates) {
    parts.push(
      fc
        .tuple(fc.constantFrom('Leaf', ...names.unions), fc.constantFrom('null', 'bool', 'int'), extras)
        .map(([object, scalar, rest]) => ({ alternate: name, data: { object, scalar, list: ['str'] }, ...rest })),
    );
  }
  const objects = [...names.structs, ...names.unions];
  const flags = fc.record(
    {
      gen: fc.constant(false),
      'success-response': fc.constant(false),
      'allow-oob': fc.constant(true),
      'allow-preconfig': fc.constant(true),
    },
    { requiredKeys: [] },
  );
  const data = fc.oneof(
    fc.constant({}),
    members(names, false).map((inline) => ({ data: inline })),
    fc.constantFrom(...objects).map((type) => ({ data: type, boxed: true })),
  );
  const returns = fc.oneof(
    fc.constant({}),
    fc.constantFrom(...objects).map((type) => ({ returns: type })),
    fc.constantFrom(...objects).map((type) => ({ returns: [type] })),
  );
  for (const name of ['do-it', 'query-all', 'x-try']) {
    parts.push(fc.tuple(data, returns, flags, extras).map((pieces) => Object.assign({ command: name }, ...pieces)));
  }
  for (const name of ['HAPPENED', 'WENT_WRONG']) {
    parts.push(fc.tuple(data, extras).map((pieces) => Object.assign({ event: name }, ...pieces)));
  }
  return fc
    .tuple(...parts)
    .map((list) => [{ struct: 'Empty', data: {} }, { struct: 'Leaf', data: { leaf: 'str' } }, ...list]);
}

function numbered(stem: string, min: number, max: number): fc.Arbitrary<string[]> {
  return fc.integer({ min, max }).map((count) => Array.from({ length: count }, (_, index) => `${stem}${index}x`));
}

/** The expressions of a valid schema that uses every construct of today's language, as JSON values, in any order. */
export const arbitraryDefinitions: fc.Arbitrary<unknown[]> = fc
  .record({
    enums: numbered('Enum', 1, 3),
    structs: numbered('Struct', 1, 5),
    unions: numbered('Union', 1, 2),
    alternates: numbered('Alt', 0, 2),
  })
  .chain(definitions)
  .chain((list) => fc.shuffledSubarray(list, { minLength: list.length }));

/** Writes an expression in the QAPI JSON dialect. */
export function schemaText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(schemaText).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, item]) => `'${key}': ${schemaText(item)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** The text of a valid schema of one file. */
export const arbitrarySchema: fc.Arbitrary<string> = arbitraryDefinitions.map(
  (list) => `${list.map(schemaText).join('\n')}\n`,
);

/** A valid schema of several files, the root first; the others are included at arbitrary places. */
export const arbitraryFiles: fc.Arbitrary<Record<string, string>> = fc
  .tuple(arbitraryDefinitions, fc.array(fc.nat(), { minLength: 2, maxLength: 2 }), fc.nat())
  .map(([list, cuts, place]) => {
    const [first, second] = cuts.map((cut) => cut % (list.length + 1)).sort((a, b) => a - b) as [number, number];
    const lines = list.map(schemaText);
    const root = lines.slice(0, first);
    root.splice(place % (root.length + 1), 0, "{ 'include': 'sub/one.json' }");
    return {
      'root.json': `${root.join('\n')}\n`,
      'sub/one.json': `${[...lines.slice(first, second), "{ 'include': '../two.json' }"].join('\n')}\n`,
      'two.json': `{ 'include': 'root-free.json' }\n${lines.slice(second).join('\n')}\n`,
      'root-free.json': '# nothing but a comment\n',
    };
  });
