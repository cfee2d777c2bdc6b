import type { BuiltinType, Command, Member, ObjectType, Type } from '../../generator/schema/model.js';
import { stringify } from '../../runtime/json/stringify.js';
import type { JsonObject, JsonValue } from '../../runtime/json/value.js';
import { branchesOf, commonMembers } from '../model-members.js';
import { foreignValue, nothing, Samples } from '../samples.js';
import type { Presence } from '../schema-visits.js';

/** Arguments with one thing wrong. */
export interface Probe {
  /** Where: `blockdev-add.arguments<qcow2>.file`. */
  readonly path: string;
  /** What is wrong there. */
  readonly fault: string;
  readonly arguments: JsonObject;
  /** Whether a server that overlooks what it does not know would carry out the command. */
  readonly overlookable: boolean;
}

/**
 * Makes wrong arguments for a command: for every member, nested ones included, one that is missing, of another type, out of range
 * or not among the values; in every object, a member that the schema does not have. Each set of arguments has one fault, so that a
 * server that accepts it is known not to look there.
 */
export function probesOf(command: Command, isPresent: Presence): Probe[] {
  return [...new Prober(isPresent).command(command)];
}

/** Puts a value where it belongs in the arguments. */
type Wrap = (value: JsonValue) => JsonObject;

/** Where a faulty value goes. */
interface Place {
  readonly path: string;
  readonly wrap: Wrap;
}

class Prober {
  readonly #isPresent: Presence;
  readonly #samples: Samples;
  /** A type is checked alike wherever it stands. */
  readonly #probed = new Set<Type>();

  constructor(isPresent: Presence) {
    this.#isPresent = isPresent;
    this.#samples = new Samples(isPresent);
  }

  *command({ name, arguments: type }: Command): Iterable<Probe> {
    const place: Place = { path: `${name}.arguments`, wrap: (value) => value as JsonObject };
    if (type?.kind === 'struct' || type?.kind === 'union') yield* this.#object(type, place);
    else if (type) yield* this.#value(type, place);
    else yield unknownMember({}, place);
  }

  *#value(type: Type, place: Place): Iterable<Probe> {
    const foreign = foreignValue(type, this.#isPresent);
    if (foreign !== undefined) yield fault(place, foreign);
    if (type.kind === 'builtin') {
      for (const value of wrongNumbers(type)) yield fault(place, value);
      return;
    }
    if (this.#probed.has(type)) return;
    this.#probed.add(type);
    switch (type.kind) {
      case 'enum':
        yield fault(place, nothing);
        break;
      case 'array':
        yield* this.#value(type.element, { path: `${place.path}[]`, wrap: (value) => place.wrap([value]) });
        break;
      case 'alternate':
        for (const branch of type.branches.filter(this.#isPresent)) {
          // The JSON kind chooses the branch: values of other kinds are no fault of this one.
          if (branch.type.kind === 'struct' || branch.type.kind === 'union') yield* this.#object(branch.type, place);
        }
        break;
      default:
        yield* this.#object(type, place);
    }
  }

  *#object(type: ObjectType, place: Place): Iterable<Probe> {
    const sample = this.#samples.of(type) as JsonObject | undefined;
    if (sample) yield* this.#members(commonMembers(type, this.#isPresent), sample, place);
    if (type.kind !== 'union') return;
    for (const branch of branchesOf(type, this.#isPresent)) {
      const common = this.#samples.ofTag(type, branch);
      if (!common || this.#probed.has(branch.type)) continue;
      if (!branch.implicit) this.#probed.add(branch.type);
      yield* this.#object(branch.type, {
        path: `${place.path}<${branch.name}>`,
        wrap: (own) => place.wrap({ ...common, ...(own as JsonObject) }),
      });
    }
  }

  *#members(members: readonly Member[], sample: JsonObject, place: Place): Iterable<Probe> {
    yield unknownMember(sample, place);
    for (const { name, type, optional } of members) {
      const path = `${place.path}.${name}`;
      if (!optional) {
        const { [name]: _, ...others } = sample;
        yield { path, fault: 'missing', arguments: place.wrap(others), overlookable: false };
      }
      yield* this.#value(type, { path, wrap: (value) => place.wrap({ ...sample, [name]: value }) });
    }
  }
}

function unknownMember(sample: JsonObject, { path, wrap }: Place): Probe {
  return {
    path: `${path}.${nothing}`,
    fault: 'unknown',
    arguments: wrap({ ...sample, [nothing]: 1 }),
    overlookable: true,
  };
}

function fault({ path, wrap }: Place, value: JsonValue): Probe {
  return { path, fault: stringify(value), arguments: wrap(value), overlookable: false };
}

/**
 * Numbers that an integer type does not accept. Those just outside the 64 bits of an unsigned type are not among them: negative
 * integers stand for positive ones there.
 */
function wrongNumbers({ range }: BuiltinType): JsonValue[] {
  if (!range) return [];
  const { min, max } = range;
  const widest = max >= (1n << 63n) - 1n;
  return widest ? [1.5, 2 ** 70] : [1.5, Number(max) + 1, ...(min < 0n ? [Number(min) - 1] : [])];
}
