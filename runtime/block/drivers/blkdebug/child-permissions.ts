import { BlockPermission } from '../../../../generated/index.js';
import { blockErrorOf } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { Permission, type Permissions } from '../../permissions.js';

const permissions: { readonly [name in BlockPermission]: number } = {
  'consistent-read': Permission.consistentRead,
  write: Permission.write,
  'write-unchanged': Permission.writeUnchanged,
  resize: Permission.resize,
};

/**
 * Takes `take-child-perms` and `unshare-child-perms`: what a blkdebug node does to its image and keeps from others, beyond
 * what its users do.
 *
 * @throws BlockError that names the item which is no permission
 */
export function takeChildPermissions(options: BlockOptions): (own: Permissions) => Permissions {
  const taken = takeSet(options, 'take-child-perms');
  const unshared = takeSet(options, 'unshare-child-perms');
  return ({ uses, shares }) => ({ uses: uses | taken, shares: shares & ~unshared });
}

function takeSet(options: BlockOptions, key: string): number {
  let set = 0;
  for (const [index, item] of options.takeList(key).entries()) {
    try {
      const name = item.takeEnum('', BlockPermission);
      if (name !== undefined) set |= permissions[name];
    } catch (error) {
      throw blockErrorOf(error, `${key}.${index}`);
    }
  }
  return set;
}
