import { existsSync } from 'node:fs';
import { OptionError } from '../../runtime/visit/option-error.js';
import { parseOpts } from '../../runtime/visit/opts-text.js';

/**
 * Checks a `--trace`: `PATTERN`, `events=FILE` or `file=FILE`. There is nothing to trace here.
 *
 * @throws OptionError for another key, or a list of events that is not there
 */
export function readTrace(text: string): void {
  const keys = { enable: 'string', events: 'string', file: 'string' } as const;
  const { entries } = parseOpts(text, { name: 'trace', impliedKey: 'enable', keys });
  for (const [key, value] of entries) {
    if (key === 'events' && !existsSync(value)) throw new OptionError(`${value}: No such file or directory`, key);
  }
}
