import { BlkdebugEvent, BlkdebugIOType } from '../../../../generated/index.js';
import type { BlockHost } from '../../driver.js';
import { type Errno, errnoOfNumber } from '../../errno.js';
import { BlockError, blockErrorOf } from '../../error.js';
import { largestSize, sectorSize } from '../../limits.js';
import { BlockOptions } from '../../options.js';
import { type ConfigGroup, readConfigFile } from './config.js';

/** When a rule applies: an event, and a state; 0 for any. */
interface Trigger {
  readonly event: BlkdebugEvent;
  readonly state: number;
}

/** Once the event has occurred, requests fail. */
export interface InjectRule extends Trigger {
  readonly kind: 'inject-error';
  /** What requests fail with. Absent: they are found, and pass. */
  readonly code: Errno | undefined;
  /** The sector that a request must touch, in bytes; absent: any request. */
  readonly offset: number | undefined;
  /** The kind of the requests. Absent: any but questions for what is allocated. */
  readonly iotype: BlkdebugIOType | undefined;
  /** How long a request waits before anything else happens to it, in nanoseconds. */
  readonly delay: number;
  readonly once: boolean;
  readonly immediately: boolean;
}

/** When the event occurs, the state changes. */
interface StateRule extends Trigger {
  readonly kind: 'set-state';
  readonly newState: number;
}

export type Rule = InjectRule | StateRule;

const kinds = ['inject-error', 'set-state'] as const;
const largestSector = largestSize / sectorSize;
/** The system's errors have smaller numbers than that. */
const largestErrno = 4095;

/**
 * Takes all rules from a node's options: those of the file that `config` names, then the lists `inject-error` and `set-state`.
 *
 * @throws BlockError that names the rule: by file and line, or by its key
 */
export async function takeRules(options: BlockOptions, host: BlockHost): Promise<Rule[]> {
  const config = options.takeString('config');
  const groups = config === undefined ? [] : await readConfigFile(config, host);
  const rules = groups.map((group) => ruleOfGroup(group, config ?? ''));
  for (const kind of kinds) {
    for (const [index, item] of options.takeList(kind).entries()) {
      rules.push(readRule(kind, item, (key) => (key === undefined ? `${kind}.${index}` : `${kind}.${index}.${key}`)));
    }
  }
  return rules;
}

function ruleOfGroup({ name, line, values }: ConfigGroup, path: string): Rule {
  const kind = kinds.find((candidate) => candidate === name);
  if (kind === undefined) {
    throw new BlockError(
      `${path}:${line}: there is no group [${name}], only ${kinds.map((k) => `[${k}]`).join(' and ')}`,
      {
        code: 'EINVAL',
      },
    );
  }
  const options = new BlockOptions([...values].map(([key, { value }]) => [key, value]));
  return readRule(kind, options, (key) => `${path}:${(key === undefined ? undefined : values.get(key)?.line) ?? line}`);
}

/** @param where the place of an option, or of the rule as a whole, for messages */
function readRule(kind: Rule['kind'], options: BlockOptions, where: (key?: string) => string): Rule {
  function take<Value>(key: string, read: (key: string) => Value): Value {
    try {
      return read(key);
    } catch (error) {
      throw blockErrorOf(error, where(key));
    }
  }
  function refuse(problem: string, key?: string): never {
    throw new BlockError(`${where(key)}: ${problem}`, { code: 'EINVAL' });
  }
  const event =
    take('event', (key) => options.takeEnum(key, BlkdebugEvent)) ?? refuse("a rule needs the option 'event'");
  const state = take('state', (key) => options.takeInteger(key, { least: 0 })) ?? 0;
  let rule: Rule;
  if (kind === 'set-state') {
    const newState =
      take('new_state', (key) => options.takeInteger(key)) ?? refuse("[set-state] needs the option 'new_state'");
    rule = { kind, event, state, newState };
  } else {
    const number = take('errno', (key) => options.takeInteger(key, { least: 0, most: largestErrno }));
    const sector = take('sector', (key) => options.takeInteger(key, { least: -1, most: largestSector })) ?? -1;
    const once = take('once', (key) => options.takeBoolean(key)) ?? false;
    const iotype = take('iotype', (key) => options.takeEnum(key, BlkdebugIOType));
    const delay = take('delay-ns', (key) => options.takeInteger(key, { least: 0 })) ?? 0;
    const immediately = take('immediately', (key) => options.takeBoolean(key)) ?? false;
    rule = {
      kind,
      event,
      state,
      code: number === 0 ? undefined : errnoOfNumber(number ?? 5),
      offset: sector === -1 ? undefined : sector * sectorSize,
      iotype,
      delay,
      once,
      immediately,
    };
  }
  const [unknown] = options.keys();
  if (unknown !== undefined) refuse(`[${kind}] has no option '${unknown}'`, unknown);
  return rule;
}
