/** What a search finds: a definition. */
export interface SearchEntry {
  readonly name: string;
  readonly kind: string;
  /** From the site's folder. */
  readonly path: string;
  readonly summary: string;
  /** The names of members, branches and values, each with the `id` of its row. */
  readonly members: readonly (readonly [name: string, id: string])[];
  readonly text: string;
}

/** A definition that was found. */
export interface Hit {
  readonly entry: SearchEntry;
  /** The member that was found, with the `id` of its row. */
  readonly member?: readonly [name: string, id: string];
}

/** Entries in the form in which they are compared. */
export type Searchable = readonly {
  readonly entry: SearchEntry;
  readonly name: string;
  readonly members: readonly string[];
  readonly text: string;
}[];

/** Prepares entries once for many searches. */
export function searchable(entries: readonly SearchEntry[]): Searchable {
  return entries.map((entry) => ({
    entry,
    name: entry.name.toLowerCase(),
    members: entry.members.map(([name]) => name.toLowerCase()),
    text: entry.text.toLowerCase(),
  }));
}

/** How much each way to be found counts. */
const weights = {
  exact: 100,
  start: 80,
  word: 60,
  part: 40,
  member: 30,
  memberStart: 24,
  memberPart: 18,
  textWord: 8,
  text: 4,
};

/** The entries that have every word of a question somewhere, the best first. */
export function search(entries: Searchable, question: string, most = 40): Hit[] {
  const words = question.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found: { readonly hit: Hit; readonly score: number }[] = [];
  for (const candidate of entries) {
    let score = 0;
    let member: number | undefined;
    for (const word of words) {
      const [points, at] = scoreOf(candidate, word);
      if (points === 0) {
        score = 0;
        break;
      }
      score += points;
      member ??= at;
    }
    if (score === 0) continue;
    const { entry } = candidate;
    const row = member === undefined ? undefined : entry.members[member];
    found.push({ hit: row ? { entry, member: row } : { entry }, score });
  }
  found.sort((a, b) => b.score - a.score || a.hit.entry.name.length - b.hit.entry.name.length || compare(a.hit, b.hit));
  return found.slice(0, most).map(({ hit }) => hit);
}

function compare(a: Hit, b: Hit): number {
  return a.entry.name < b.entry.name ? -1 : 1;
}

/** How well a word is found in an entry, and in which of its members. */
function scoreOf({ name, members, text }: Searchable[number], word: string): [points: number, member?: number] {
  if (name === word) return [weights.exact];
  const at = name.indexOf(word);
  if (at === 0) return [weights.start];
  if (at > 0) return [/[\w]/.test(name.charAt(at - 1)) && name.charAt(at - 1) !== '_' ? weights.part : weights.word];
  const best = bestMember(members, word);
  if (best[0] > 0) return best;
  const place = text.indexOf(word);
  if (place < 0) return [0];
  return [place === 0 || /\W/.test(text.charAt(place - 1)) ? weights.textWord : weights.text];
}

function bestMember(members: readonly string[], word: string): [points: number, member?: number] {
  let best: [points: number, member?: number] = [0];
  members.forEach((member, index) => {
    const at = member.indexOf(word);
    const points = member === word ? weights.member : at === 0 ? weights.memberStart : at > 0 ? weights.memberPart : 0;
    if (points > best[0]) best = [points, index];
  });
  return best;
}
