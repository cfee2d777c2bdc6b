import type { DecodeOptions } from '../../json/codec.js';
import { isJsonObject, type JsonValue } from '../../json/value.js';

/** What to do with interfaces that are deprecated or unstable: the reference's `-compat` option. Everything is accepted by default. */
export interface CompatPolicy {
  /**
   * Commands, arguments and enum values that are deprecated: `reject` makes their use an error, and `crash` ends the program, so that
   * a test cannot overlook it.
   */
  readonly deprecatedInput?: 'accept' | 'reject' | 'crash';
  /** The same for unstable ones. */
  readonly unstableInput?: 'accept' | 'reject' | 'crash';
  /** Members of results and events that are deprecated: `hide` leaves them out. Introspection leaves them out as well. */
  readonly deprecatedOutput?: 'accept' | 'hide';
  /** Members of results and events that are unstable: `hide` leaves them out. */
  readonly unstableOutput?: 'accept' | 'hide';
}

/** What may make the use of something an error. */
export type RejectedFeature = 'deprecated' | 'unstable';

/** How arguments are read by a policy. */
export function decodingBy({ deprecatedInput, unstableInput }: CompatPolicy): DecodeOptions | undefined {
  const rejects = (choice: CompatPolicy['deprecatedInput']): boolean => choice === 'reject' || choice === 'crash';
  const [deprecated, unstable] = [rejects(deprecatedInput), rejects(unstableInput)];
  if (!deprecated && !unstable) return undefined;
  return { deprecated: deprecated ? 'reject' : 'accept', unstable: unstable ? 'reject' : 'accept' };
}

/** The feature for which the policy does not take a command. */
export function rejectedFor(
  features: readonly string[] | undefined,
  decoding: DecodeOptions | undefined,
): RejectedFeature | undefined {
  return (['deprecated', 'unstable'] as const).find(
    (feature) => decoding?.[feature] === 'reject' && features?.includes(feature),
  );
}

/** Whether the use of something with a feature ends the program. */
export function crashesAt(feature: RejectedFeature | undefined, policy: CompatPolicy): boolean {
  if (feature === undefined) return false;
  return (feature === 'deprecated' ? policy.deprecatedInput : policy.unstableInput) === 'crash';
}

/** Whether the policy keeps an event from being sent. */
export function isHidden(features: readonly string[] | undefined, policy: CompatPolicy): boolean {
  return (
    (policy.deprecatedOutput === 'hide' && (features?.includes('deprecated') ?? false)) ||
    (policy.unstableOutput === 'hide' && (features?.includes('unstable') ?? false))
  );
}

/** Introspection data without what is deprecated: entities, members and enum values alike. */
export function withoutDeprecated(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.filter((item) => !isDeprecated(item)).map(withoutDeprecated);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutDeprecated(item)]));
}

function isDeprecated(value: JsonValue): boolean {
  return isJsonObject(value) && Array.isArray(value.features) && value.features.includes('deprecated');
}
