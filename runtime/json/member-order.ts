const BUCKETS = 512;
const known = new Map<string, number>();

/** Names seen are remembered, as long as there are no more of them than a schema has. */
const REMEMBERED = 4096;

/** The bucket of a key in the hash table that QEMU keeps objects in. */
function bucketOf(key: string): number {
  const remembered = known.get(key);
  if (remembered !== undefined) return remembered;
  const bytes = Buffer.from(key);
  let hash = Math.imul(0x238f13af, bytes.length);
  for (const [index, byte] of bytes.entries()) hash += byte << ((index * 5) % 24);
  const bucket = ((Math.imul(hash, 1103515243) + 12345) >>> 0) % BUCKETS;
  if (known.size < REMEMBERED) known.set(key, bucket);
  return bucket;
}

/**
 * Keys in the order in which QEMU writes them: by their bucket, within one the latest first. The order has no meaning, but with
 * it replies are the same to the byte.
 */
export function hashOrder(keys: readonly string[]): string[] {
  return [...keys].reverse().sort((a, b) => bucketOf(a) - bucketOf(b));
}
