import { isJsonObject, type JsonValue } from '../../json/value.js';

/** What to do with interfaces that are deprecated or unstable: the reference's `-compat` option. Everything is accepted by default. */
export interface CompatPolicy {
  /** Commands, arguments and enum values that are deprecated: `reject` makes their use an error. */
  readonly deprecatedInput?: 'accept' | 'reject';
  /** The same for unstable ones. */
  readonly unstableInput?: 'accept' | 'reject';
  /** Members of results and events that are deprecated: `hide` leaves them out. Introspection leaves them out as well. */
  readonly deprecatedOutput?: 'accept' | 'hide';
  /** Members of results and events that are unstable: `hide` leaves them out. */
  readonly unstableOutput?: 'accept' | 'hide';
}

/** The feature for which the policy rejects a command. */
export function rejectedFor(features: readonly string[] | undefined, policy: CompatPolicy): string | undefined {
  if (policy.deprecatedInput === 'reject' && features?.includes('deprecated')) return 'deprecated';
  return policy.unstableInput === 'reject' && features?.includes('unstable') ? 'unstable' : undefined;
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
