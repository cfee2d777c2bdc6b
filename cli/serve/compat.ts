import { type CompatPolicy as PolicyOptions, visitCompatPolicy } from '../../generated/index.js';
import type { CompatPolicy } from '../../runtime/qmp/server/policy.js';
import { readOption } from '../../runtime/visit/options.js';

/**
 * Reads a `--compat`: `deprecated-input=reject,deprecated-output=hide`, or the same as JSON.
 *
 * @throws OptionError that names the key at fault
 */
export function readCompat(text: string): CompatPolicy {
  const {
    'deprecated-input': deprecatedInput,
    'deprecated-output': deprecatedOutput,
    'unstable-input': unstableInput,
    'unstable-output': unstableOutput,
  }: PolicyOptions = readOption(visitCompatPolicy, text);
  return {
    ...(deprecatedInput && { deprecatedInput }),
    ...(deprecatedOutput && { deprecatedOutput }),
    ...(unstableInput && { unstableInput }),
    ...(unstableOutput && { unstableOutput }),
  };
}
