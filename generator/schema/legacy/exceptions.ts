import type { Dialect } from '../../syntax/dialect.js';
import type { Pragmas } from '../../syntax/tree.js';

/** Commands that may return what is no object; fixed in the tool before the pragmas came. */
const returns = [
  'human-monitor-command',
  'qom-get',
  'query-migrate-cache-size',
  'query-tpm-models',
  'query-tpm-types',
  'ringbuf-read',
  'guest-file-open',
  'guest-fsfreeze-freeze',
  'guest-fsfreeze-freeze-list',
  'guest-fsfreeze-status',
  'guest-fsfreeze-thaw',
  'guest-get-time',
  'guest-set-vcpus',
  'guest-sync',
  'guest-sync-delimited',
];

/** Owners of members that may have uppercase letters; fixed in the tool before the pragmas came. */
const uppercase = [
  'ACPISlotType',
  'CpuInfoMIPS',
  'CpuInfoTricore',
  'QapiErrorClass',
  'UuidInfo',
  'X86CPURegister32',
  'q_obj_CpuInfo-base',
];

/** The pragmas in force: what the schema sets, and what a release from before the pragmas has built in. */
export function effectivePragmas(pragmas: Pragmas, dialect: Dialect): Pragmas {
  if (!dialect.has('fixed exceptions')) return pragmas;
  const excused = dialect.has('fixed exceptions of 2.4')
    ? [...returns.filter((name) => name !== 'qom-get'), 'user_def_cmd3']
    : returns;
  return {
    ...pragmas,
    commandReturnsExceptions: new Set([...pragmas.commandReturnsExceptions, ...excused]),
    memberNameExceptions: new Set([...pragmas.memberNameExceptions, ...uppercase]),
  };
}
