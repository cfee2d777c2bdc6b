import type { JsonValue } from '../../runtime/json/value.js';
import type { MockJobPlan } from './jobs/plan.js';

/** What a command is answered with. */
export type Outcome =
  /** What its handler returns, or a value by the schema. */
  | { readonly kind: 'usual' }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly class: string; readonly description: string };

/** What happens to a reply on its way. */
export type ReplyFault =
  | { readonly kind: 'stall' | 'close' | 'duplicate' }
  | { readonly kind: 'late'; readonly delay: number }
  | { readonly kind: 'garbage'; readonly bytes: Uint8Array }
  | { readonly kind: 'split'; readonly size: number; readonly delay: number };

/** An event that follows a reply. */
export interface FollowingEvent {
  readonly name: string;
  readonly data: JsonValue | undefined;
}

/** What is to happen when a command comes. */
export interface Rule {
  readonly command: string;
  /** What its arguments have to be like; all will do when it is undefined. */
  readonly args: unknown;
  /** Whether it must come, and so often; otherwise it may, and as often as it likes. */
  readonly expected: boolean;
  /** How often it must come. */
  times: number;
  /** How often it came. */
  called: number;
  outcome: Outcome;
  fault: ReplyFault | undefined;
  readonly events: FollowingEvent[];
  /** How the job goes that it starts. */
  job: MockJobPlan | undefined;
}
