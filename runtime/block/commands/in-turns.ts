import type { Turns } from '../graph/turns.js';

type Handler = (...args: never[]) => unknown;

/** Handlers that run one after the other, whichever client calls them: each changes what the next one looks at. */
export function inTurns<Handlers extends { readonly [name: string]: Handler }>(
  turns: Turns,
  handlers: Handlers,
): Handlers {
  const waiting = Object.entries(handlers).map(([name, handler]) => [
    name,
    (...args: never[]) => turns.run(() => handler(...args)),
  ]);
  return Object.fromEntries(waiting) as Handlers;
}
