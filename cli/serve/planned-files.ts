import { isJsonName, protocolOf } from '../../runtime/block/graph/filename.js';
import { BlockOptions } from '../../runtime/block/options.js';
import type { Planned, ServerPlan } from './plan.js';

/** The files that the options of a server name. Files that images name in their headers are not among them. */
export function plannedFiles({ objects, blockdevs, drives }: ServerPlan): Planned<string>[] {
  return [
    ...objects.flatMap(({ option, config }) => {
      const file = 'mem-path' in config ? config['mem-path'] : 'file' in config ? config.file : undefined;
      return file === undefined ? [] : [{ option, config: file }];
    }),
    ...blockdevs.flatMap(({ option, config }) => filesIn(option, BlockOptions.flatten(config))),
    ...drives.flatMap(({ option, config: { filename, nodeOptions } }) => {
      const own = filename === undefined || isJsonName(filename) ? [] : pathOf(option, filename);
      return [...own, ...filesIn(option, nodeOptions)];
    }),
  ];
}

function filesIn(option: string, options: BlockOptions): Planned<string>[] {
  return [...options.entries()].flatMap(([key, value]) =>
    typeof value === 'string' && /(?:^|\.)filename$/.test(key) ? pathOf(option, value) : [],
  );
}

/** A file name without its prefix, if it is that of a file. */
function pathOf(option: string, filename: string): Planned<string>[] {
  const protocol = protocolOf(filename);
  if (protocol === undefined) return [{ option, config: filename }];
  if (protocol !== 'file' && !protocol.startsWith('host_')) return [];
  return [{ option, config: filename.slice(protocol.length + 1) }];
}
