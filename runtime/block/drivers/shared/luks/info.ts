import type { QCryptoBlockInfoLUKS } from '../../../../../generated/index.js';
import type { LuksHeader } from './header.js';

/** What queries show of a volume. */
export function infoOf({
  cipher,
  hash,
  payloadOffset,
  digestIterations,
  uuid,
  slots,
}: LuksHeader): QCryptoBlockInfoLUKS {
  return {
    'cipher-alg': cipher.algorithm,
    'cipher-mode': cipher.mode,
    'ivgen-alg': cipher.ivGenerator,
    ...(cipher.ivHash !== undefined && { 'ivgen-hash-alg': cipher.ivHash }),
    'hash-alg': hash,
    'detached-header': false,
    'payload-offset': payloadOffset,
    'master-key-iters': digestIterations,
    uuid,
    slots: slots.map(({ active, iterations, offset, stripes }) => ({
      active,
      ...(active && { iters: iterations, stripes }),
      'key-offset': offset,
    })),
  };
}
