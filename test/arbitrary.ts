import fc from 'fast-check';
import type { BuiltinType, Member, ObjectType, StructType, Type, UnionType } from '../generator/schema/model.js';

/** What values to generate. */
export interface ArbitraryOptions {
  /** How 64-bit integers appear in the generated code that is to take the values. Default: `union`. */
  readonly int64?: 'union' | 'bigint' | 'number';
  /** How deep objects may be nested. Types that need more get what they need. Default: 4. */
  readonly depth?: number;
}

type Int64Mode = NonNullable<ArbitraryOptions['int64']>;
type Fields = Record<string, unknown>;

/**
 * Generates the TypeScript values of a type of a schema: all branches, optional members here and not there, integers at the ends
 * of their ranges, hostile strings, and keys like `__proto__` in `any`.
 *
 * @throws when the type has no finite value
 */
export function arbitrary(type: Type, options: ArbitraryOptions = {}): fc.Arbitrary<unknown> {
  return new ValueArbitraries(options.int64 ?? 'union').of(type, options.depth ?? 4);
}

const hostileStrings = [
  '',
  '__proto__',
  'constructor',
  'toString',
  '\0',
  '*/',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is to be harmless in generated code
  '`${x}`',
  '\u2028\u2029',
  '"\\',
  '\u{10ffff}',
  ' a ',
  'on',
  '5',
  'a,,b=c.d',
];

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom(...hostileStrings));
const double = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());

/** An integer of a range, with a liking for its ends and those of what a `number` can hold. */
function integer(min: bigint, max: bigint, mode: Int64Mode): fc.Arbitrary<number | bigint> {
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  const low = mode === 'number' && min < -safe ? -safe : min;
  const high = mode === 'number' && max > safe ? safe : max;
  const edges = [low, high, low + 1n, high - 1n, 0n, 1n, -1n, safe, safe + 1n, -safe, -safe - 1n, 1n << 63n];
  const within = edges.filter((edge) => edge >= low && edge <= high);
  return fc
    .oneof(fc.bigInt({ min: low, max: high }), fc.constantFrom(...within))
    .map((value) => (mode === 'bigint' || value > safe || value < -safe ? value : Number(value)));
}

const anyInteger = integer(-(1n << 63n), (1n << 64n) - 1n, 'union');

/** Any JSON value, with hostile keys. */
const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), text, double, anyInteger),
    fc.array(tie('value'), { maxLength: 3 }),
    // `Object.fromEntries` defines members, so that `__proto__` becomes one.
    fc.array(fc.tuple(text, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

class ValueArbitraries {
  readonly #int64: Int64Mode;
  readonly #heights = new Map<ObjectType, number>();
  readonly #known = new Map<Type, fc.Arbitrary<unknown>[]>();

  constructor(int64: Int64Mode) {
    this.#int64 = int64;
  }

  /** The values of a type that are nested `depth` deep at most, or as deep as the least nested value must be. */
  of(type: Type, depth: number): fc.Arbitrary<unknown> {
    const height = this.#height(type);
    if (height === Number.POSITIVE_INFINITY) throw new Error(`type '${type.name}' has no finite value`);
    const budget = Math.max(depth, height);
    const known = this.#known.get(type) ?? [];
    this.#known.set(type, known);
    known[budget] ??= this.#make(type, budget);
    return known[budget];
  }

  #make(type: Type, depth: number): fc.Arbitrary<unknown> {
    switch (type.kind) {
      case 'builtin':
        return this.#builtin(type);
      case 'enum':
        return fc.constantFrom(...type.members.map(({ name }) => name));
      case 'array':
        return this.#height(type.element) > depth
          ? fc.constant([])
          : fc.array(this.of(type.element, depth), { maxLength: 3 });
      case 'alternate':
        return fc.oneof(...this.#reachable(type.branches, depth).map((branch) => this.of(branch.type, depth)));
      case 'struct':
      case 'union':
        // The order of members on the wire means nothing.
        return fc.tuple(this.#fields(type, depth), fc.boolean()).map(([fields, turned]) => {
          return turned ? Object.fromEntries(Object.entries(fields).reverse()) : fields;
        });
    }
  }

  #builtin({ name, json: kind, range }: BuiltinType): fc.Arbitrary<unknown> {
    switch (kind) {
      case 'string':
        return text;
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'number':
        return double;
      case 'value':
        return json;
      case 'int': {
        if (!range) throw new Error(`integer type '${name}' has no range`);
        const wide = range.max > 0xffffffffn;
        return integer(range.min, range.max, wide ? this.#int64 : 'union');
      }
    }
  }

  /** The members of an object, without the object's own nesting counted. */
  #fields(type: ObjectType, depth: number): fc.Arbitrary<Fields> {
    if (type.kind === 'struct') return this.#record(membersOf(type), depth);
    const common = [...(type.base ? membersOf(type.base) : []), ...type.members].filter(
      (member) => member !== type.tag,
    );
    const branches = this.#reachable(type.branches, depth).map((branch) =>
      fc
        .tuple(
          fc.constant({ [type.tag.name]: branch.name }),
          this.#record(common, depth),
          this.#fields(branch.type, depth),
        )
        .map(([tag, base, own]) => ({ ...tag, ...base, ...own })),
    );
    return fc.oneof(...branches);
  }

  #record(members: readonly Member[], depth: number): fc.Arbitrary<Fields> {
    const model: Record<string, fc.Arbitrary<unknown>> = {};
    const requiredKeys: string[] = [];
    for (const { name, type, optional } of members) {
      if (optional && this.#height(type) >= depth) continue;
      model[name] = this.of(type, depth - 1);
      if (!optional) requiredKeys.push(name);
    }
    return fc.record(model, { requiredKeys, noNullPrototype: true });
  }

  /** The branches that can be taken within a depth. */
  #reachable<B extends { readonly type: Type }>(branches: readonly B[], depth: number): readonly B[] {
    return branches.filter((branch) => this.#height(branch.type) <= depth);
  }

  /** How deep the least nested value of a type is nested: infinitely where a type must contain itself. */
  #height(type: Type): number {
    switch (type.kind) {
      case 'builtin':
      case 'array':
        return 0;
      case 'enum':
        return type.members.length > 0 ? 0 : Number.POSITIVE_INFINITY;
      case 'alternate':
        return Math.min(...type.branches.map((branch) => this.#height(branch.type)));
      case 'struct':
      case 'union': {
        const known = this.#heights.get(type);
        if (known !== undefined) return known;
        // While it is being found out, a type that leads back to itself does not help.
        this.#heights.set(type, Number.POSITIVE_INFINITY);
        const height = this.#objectHeight(type);
        // What was found of others under way may be too great: only what is final is kept.
        if (height === Number.POSITIVE_INFINITY) this.#heights.delete(type);
        else this.#heights.set(type, height);
        return height;
      }
    }
  }

  #objectHeight(type: ObjectType): number {
    const members =
      type.kind === 'struct' ? membersOf(type) : [...(type.base ? membersOf(type.base) : []), ...type.members];
    const heights = members.filter(({ optional }) => !optional).map((member) => this.#height(member.type) + 1);
    const own = Math.max(1, ...heights);
    if (type.kind === 'struct') return own;
    return Math.max(own, Math.min(...type.branches.map((branch) => this.#height(branch.type))));
  }
}

function membersOf(type: StructType | UnionType): readonly Member[] {
  return type.base ? [...membersOf(type.base), ...type.members] : type.members;
}
