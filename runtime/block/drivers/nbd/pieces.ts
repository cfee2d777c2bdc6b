/** As many pieces of one request are in flight. */
const together = 8;

/**
 * Does in pieces what is too long for one request.
 *
 * @param most bytes of a piece
 * @throws what the first piece that fails throws, when none is in flight any more
 */
export async function inPieces(
  offset: number,
  length: number,
  most: number,
  run: (offset: number, length: number) => Promise<unknown>,
): Promise<void> {
  if (length <= most) {
    await run(offset, length);
    return;
  }
  const failures: unknown[] = [];
  let next = offset;
  const end = offset + length;
  const work = async (): Promise<void> => {
    while (next < end && failures.length === 0) {
      const start = next;
      next = Math.min(end, start + most);
      try {
        await run(start, next - start);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  if (failures.length > 0) throw failures[0];
}
