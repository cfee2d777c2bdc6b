import type { Clock } from '../clock.js';
import { BlockError } from '../error.js';
import { LeakyBucket } from './leaky-bucket.js';
import { type LimitName, limitNames, type ThrottleConfig, throttleConfigOf } from './throttle-config.js';

/** Which of the limits a request counts for, beside those of both directions together. */
export type Direction = 'read' | 'write';

/** A request that waits to be let go. */
interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/** The part of a group that one direction has of its own. */
interface Turn {
  readonly buckets: { readonly bytes: readonly LeakyBucket[]; readonly operations: readonly LeakyBucket[] };
  /** Runs while any member waits, until the member with the token may go on. */
  timer: { cancel(): void } | undefined;
  token: ThrottleMember | undefined;
  /** The member that had the token before: the next one comes after it. */
  last: ThrottleMember | undefined;
}

/** A backend's place in a throttle group. */
export class ThrottleMember {
  readonly group: ThrottleGroup;
  /** What waits, first come first. */
  readonly queues: { readonly [Way in Direction]: Waiting[] } = { read: [], write: [] };

  /** For {@link ThrottleGroups.join}. */
  constructor(group: ThrottleGroup) {
    this.group = group;
  }

  /**
   * Lets a request go, or has it wait its turn. What is let go is paid for.
   *
   * @returns nothing when it may go at once; else what resolves when it may
   */
  admit(direction: Direction, bytes: number): Promise<void> | undefined {
    return this.group.admit(this, direction, bytes);
  }

  /** Lets all go at once that waits, and has it paid for. */
  letGo(): void {
    this.group.letGo(this);
  }

  /** Gives the place up. What waits goes at once. */
  leave(): void {
    this.group.remove(this);
  }
}

/**
 * Backends that share limits. In each direction the members that have requests waiting take turns: a token goes round, and one
 * timer runs for the member that has it.
 */
export class ThrottleGroup {
  readonly name: string;
  readonly #clock: Clock;
  readonly #deserted: () => void;
  readonly #members: ThrottleMember[] = [];
  #config: ThrottleConfig = throttleConfigOf({});
  #turns: { readonly [Way in Direction]: Turn };

  /** @param deserted called when the last member has left */
  constructor(name: string, clock: Clock, deserted: () => void) {
    this.name = name;
    this.#clock = clock;
    this.#deserted = deserted;
    this.#turns = turnsOf(this.#config, 0);
  }

  get config(): ThrottleConfig {
    return this.#config;
  }

  /** How many members it has. */
  get size(): number {
    return this.#members.length;
  }

  /** Sets the limits of all members. What was used up before is forgotten; who waits does so by the new limits. */
  configure(config: ThrottleConfig): void {
    const old = this.#turns;
    this.#config = config;
    this.#turns = turnsOf(config, this.#clock.now());
    for (const direction of ['read', 'write'] as const) {
      old[direction].timer?.cancel();
      this.#turns[direction].last = old[direction].last;
      this.#schedule(direction);
    }
  }

  /** For {@link ThrottleMember.admit}. */
  admit(member: ThrottleMember, direction: Direction, bytes: number): Promise<void> | undefined {
    const turn = this.#turns[direction];
    const now = this.#clock.now();
    // While a timer runs a member waits, and no other may overtake it.
    if (turn.timer === undefined) {
      const wait = waitOf(turn, now);
      if (wait === 0) {
        this.#pay(turn, now, bytes);
        return undefined;
      }
      this.#arm(direction, member, wait);
    }
    return new Promise((resolve) => member.queues[direction].push({ bytes, go: resolve }));
  }

  /** For {@link ThrottleMember.letGo}. */
  letGo(member: ThrottleMember): void {
    const now = this.#clock.now();
    for (const direction of ['read', 'write'] as const) {
      const turn = this.#turns[direction];
      for (const { bytes, go } of member.queues[direction].splice(0)) {
        this.#pay(turn, now, bytes);
        go();
      }
      if (turn.token === member && turn.timer !== undefined) this.#schedule(direction);
    }
  }

  /** For {@link ThrottleGroups.join}. */
  join(): ThrottleMember {
    const member = new ThrottleMember(this);
    this.#members.push(member);
    return member;
  }

  /** For {@link ThrottleMember.leave}. */
  remove(member: ThrottleMember): void {
    this.letGo(member);
    const index = this.#members.indexOf(member);
    this.#members.splice(index, 1);
    for (const turn of [this.#turns.read, this.#turns.write]) {
      // The turn of the next member stays what it was.
      if (turn.last === member) turn.last = this.#members.at(index - 1);
    }
    if (this.#members.length === 0) this.#deserted();
  }

  /** The member with the token has waited long enough. */
  #expired(direction: Direction): void {
    const turn = this.#turns[direction];
    turn.timer = undefined;
    if (turn.token !== undefined) this.#release(turn.token, direction, this.#clock.now());
    this.#schedule(direction);
  }

  /** Hands the token on: lets go who need not wait, and starts the timer for the first who must. */
  #schedule(direction: Direction): void {
    const turn = this.#turns[direction];
    turn.timer?.cancel();
    turn.timer = undefined;
    for (;;) {
      const member = this.#next(direction, turn.last);
      if (member === undefined) return;
      const now = this.#clock.now();
      const wait = waitOf(turn, now);
      if (wait > 0) {
        this.#arm(direction, member, wait);
        return;
      }
      this.#release(member, direction, now);
    }
  }

  /** Lets the first request of a member go. */
  #release(member: ThrottleMember, direction: Direction, now: number): void {
    const turn = this.#turns[direction];
    turn.last = member;
    const waiting = member.queues[direction].shift();
    if (waiting === undefined) return;
    this.#pay(turn, now, waiting.bytes);
    waiting.go();
  }

  /** The first member after the last that went which has something waiting. */
  #next(direction: Direction, last: ThrottleMember | undefined): ThrottleMember | undefined {
    const members = this.#members;
    const start = last === undefined ? 0 : members.indexOf(last) + 1;
    for (let step = 0; step < members.length; step++) {
      const member = members[(start + step) % members.length];
      if (member !== undefined && member.queues[direction].length > 0) return member;
    }
    return undefined;
  }

  #arm(direction: Direction, member: ThrottleMember, wait: number): void {
    const turn = this.#turns[direction];
    turn.token = member;
    turn.timer = this.#clock.after(wait, () => this.#expired(direction));
  }

  #pay({ buckets }: Turn, now: number, bytes: number): void {
    for (const bucket of buckets.bytes) bucket.add(now, bytes);
    const { iopsSize } = this.#config;
    const operations = iopsSize > 0 && bytes > iopsSize ? bytes / iopsSize : 1;
    for (const bucket of buckets.operations) bucket.add(now, operations);
  }
}

/** The throttle groups there are. A group lives as long as it has members. */
export class ThrottleGroups {
  readonly #groups = new Map<string, ThrottleGroup>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Makes a backend a member of a group. A new group limits nothing until it is configured. */
  join(name: string): ThrottleMember {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new ThrottleGroup(name, this.#clock, () => this.#groups.delete(name));
      this.#groups.set(name, group);
    }
    return group.join();
  }

  /** Whether there is a group of this name. */
  has(name: string): boolean {
    return this.#groups.has(name);
  }

  /** Makes a node a member of a group that exists. @throws BlockError when it does not */
  joinExisting(name: string): ThrottleMember {
    const group = this.#groups.get(name);
    if (group === undefined) throw new BlockError(`Throttle group '${name}' does not exist`, { code: 'ENOENT' });
    return group.join();
  }
}

function turnsOf(config: ThrottleConfig, now: number): { readonly [Way in Direction]: Turn } {
  const buckets = new Map<LimitName, LeakyBucket>();
  for (const name of limitNames) {
    const limit = config[name];
    if (limit.average !== 0) buckets.set(name, new LeakyBucket(limit, now));
  }
  const some = (...names: LimitName[]): LeakyBucket[] => names.flatMap((name) => buckets.get(name) ?? []);
  const turn = (direction: Direction): Turn => ({
    buckets: { bytes: some('bps-total', `bps-${direction}`), operations: some('iops-total', `iops-${direction}`) },
    timer: undefined,
    token: undefined,
    last: undefined,
  });
  return { read: turn('read'), write: turn('write') };
}

/** Nanoseconds until the fullest of the buckets of a direction has room. */
function waitOf({ buckets }: Turn, now: number): number {
  let wait = 0;
  for (const bucket of buckets.bytes) wait = Math.max(wait, bucket.wait(now));
  for (const bucket of buckets.operations) wait = Math.max(wait, bucket.wait(now));
  return wait;
}
