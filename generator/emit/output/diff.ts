/** Beyond this many differing lines, finding the shortest difference costs more than reading it is worth. */
const mostEdits = 400;

/** One line of a difference: kept, removed or added. */
interface Edit {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

/**
 * The difference between two texts in the unified format, with three lines of context, at most `limit` lines of it.
 */
export function unifiedDiff(path: string, before: string, after: string, limit = 60): string {
  const hunks = hunksOf(editScript(linesOf(before), linesOf(after)));
  const lines = hunks.slice(0, limit);
  if (hunks.length > limit) lines.push(`… ${hunks.length - limit} more lines`);
  return [`--- ${path}`, `+++ ${path} (generated)`, ...lines, ''].join('\n');
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function editScript(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < before.length - start && tail < after.length - start && before.at(-1 - tail) === after.at(-1 - tail))
    tail++;
  const removed = before.slice(start, before.length - tail);
  const added = after.slice(start, after.length - tail);
  return [
    ...mark(' ', before.slice(0, start)),
    ...shortest(removed, added),
    ...mark(' ', tail > 0 ? before.slice(-tail) : []),
  ];
}

function mark(sign: Edit['sign'], lines: readonly string[]): Edit[] {
  return lines.map((line) => ({ sign, line }));
}

/** Myers' greedy algorithm: the furthest place reached on each diagonal, for a growing number of edits. */
function shortest(before: readonly string[], after: readonly string[]): Edit[] {
  const reached: Map<number, number>[] = [];
  let last = new Map([[1, 0]]);
  for (let edits = 0; edits <= Math.min(before.length + after.length, mostEdits); edits++) {
    const current = new Map(last);
    reached.push(last);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = startOn(diagonal, edits, last);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x++;
      current.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return backtrack(reached, before, after);
    }
    last = current;
  }
  return [...mark('-', before), ...mark('+', after)];
}

/** Where a path with one more edit enters a diagonal: from the one above (an addition) or the one below (a removal). */
function startOn(diagonal: number, edits: number, last: ReadonlyMap<number, number>): number {
  const above = last.get(diagonal + 1) ?? 0;
  const below = last.get(diagonal - 1) ?? 0;
  const down = diagonal === -edits || (diagonal !== edits && below < above);
  return down ? above : below + 1;
}

function backtrack(
  reached: readonly Map<number, number>[],
  before: readonly string[],
  after: readonly string[],
): Edit[] {
  const edits: Edit[] = [];
  let x = before.length;
  let y = after.length;
  for (let step = reached.length - 1; step >= 0; step--) {
    const last = reached[step] as Map<number, number>;
    const diagonal = x - y;
    const above = last.get(diagonal + 1) ?? 0;
    const below = last.get(diagonal - 1) ?? 0;
    const down = diagonal === -step || (diagonal !== step && below < above);
    const fromX = down ? above : below;
    const fromY = fromX - (down ? diagonal + 1 : diagonal - 1);
    while (x > fromX + (down ? 0 : 1) && y > fromY + (down ? 1 : 0)) {
      edits.push({ sign: ' ', line: before[--x] as string });
      y--;
    }
    if (step === 0) break;
    if (down) edits.push({ sign: '+', line: after[--y] as string });
    else edits.push({ sign: '-', line: before[--x] as string });
  }
  return edits.reverse();
}

/** Groups the edits with their context; `@@` lines tell where each group stands. */
function hunksOf(edits: readonly Edit[], context = 3): string[] {
  const near = new Uint8Array(edits.length);
  edits.forEach((edit, index) => {
    if (edit.sign !== ' ') near.fill(1, Math.max(0, index - context), index + context + 1);
  });
  const lines: string[] = [];
  let oldLine = 1;
  let newLine = 1;
  edits.forEach(({ sign, line }, index) => {
    if (near[index] === 1) {
      if (near[index - 1] !== 1) lines.push(`@@ -${oldLine} +${newLine} @@`);
      lines.push(sign + line);
    }
    if (sign !== '+') oldLine++;
    if (sign !== '-') newLine++;
  });
  return lines;
}
