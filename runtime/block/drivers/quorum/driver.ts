import type { BlockDriver, Child, DriverInstance, OpenContext } from '../../driver.js';
import { takeQuorumOptions } from './options.js';
import { ofMember, Quorum } from './quorum.js';

/**
 * `quorum`: writes to several nodes, and lets them vote on what is read, so that one that fails or lies does no harm.
 *
 * Options: `children` (a list), `vote-threshold`, `read-pattern`, `blkverify`, `rewrite-corrupted`. There are no file names.
 */
export const quorum: BlockDriver = {
  name: 'quorum',
  kind: 'protocol',
  prefixes: [],
  filter: true,
  childPermissions: (own) => ofMember(own, false),
  async open(context: OpenContext): Promise<DriverInstance> {
    const options = takeQuorumOptions(context.options, context.host);
    const children: Child[] = [];
    for (let index = 0; index < options.children; index++) {
      children.push(await context.openChild(`children.${index}`, 'format'));
    }
    return new Quorum(context, options, children);
  },
};
