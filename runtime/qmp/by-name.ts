/** What stands behind a name that a function takes first. */
type Rest<F> = F extends (name: never, ...rest: infer R) => infer Result ? (...rest: R) => Result : never;

/** Members by name, each the same function with its name filled in. */
export type ByName<F> = Readonly<Record<string, Rest<F>>>;

/**
 * Gives a function a member for every name: `f.NAME(…)` is `f('NAME', …)`. What every function has (`call`, `name`, …) stays.
 *
 * The language service shows documentation for members, but not for texts among arguments.
 */
export function withNames<F extends (name: never, ...rest: never[]) => unknown>(call: F): F & ByName<F> {
  return members(call, call) as F & ByName<F>;
}

/** An object that has a member for every name: `o[name](…)` is `call(name, …)`. */
export function byName<F extends (name: never, ...rest: never[]) => unknown>(call: F): ByName<F> {
  return members(Object.create(null), call) as ByName<F>;
}

function members(target: object, call: (name: never, ...rest: never[]) => unknown): object {
  const known = new Map<string, unknown>();
  return new Proxy(target, {
    get(_, name) {
      // `await` asks whether there is a `then`.
      if (typeof name !== 'string' || name === 'then' || Reflect.has(target, name)) return Reflect.get(target, name);
      let member = known.get(name);
      if (member === undefined) {
        member = (...rest: never[]) => call(name as never, ...rest);
        known.set(name, member);
      }
      return member;
    },
  });
}
