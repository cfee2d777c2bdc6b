import { readFileSync } from 'node:fs';
import { corpusPath } from '../../../corpus.js';

/** Something that happened on a recorded connection. */
export interface RecordedLine {
  readonly dir: 'C' | 'S' | '-';
  readonly conn?: string;
  readonly raw?: string;
  readonly b64?: string;
  readonly note?: string;
  readonly repeat?: number;
}

/** One client's connection, as it was recorded. */
export interface RecordedConnection {
  readonly name: string;
  readonly lines: readonly RecordedLine[];
}

/** A recorded exchange by connections; a new greeting begins a new one. */
export function readRecording(name: string): RecordedConnection[] {
  const text = readFileSync(corpusPath('transcripts', `${name}.jsonl`), 'utf8');
  const lines = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as RecordedLine]));
  const open = new Map<string, RecordedLine[]>();
  const connections: { name: string; lines: RecordedLine[] }[] = [];
  for (const line of lines) {
    if (line.dir === '-') continue;
    const key = line.conn ?? 'only';
    let list = open.get(key);
    if (!list || (line.dir === 'S' && line.raw?.includes('"QMP"'))) {
      list = [];
      open.set(key, list);
      connections.push({ name: key, lines: list });
    }
    for (let count = line.repeat ?? 1; count > 0; count--) list.push(line);
  }
  return connections.filter((connection) => connection.lines.some((line) => line.dir === 'C'));
}

/** The bytes that a client sent. */
export function bytesOf(line: RecordedLine): Buffer {
  return line.b64 === undefined ? Buffer.from(line.raw ?? '') : Buffer.from(line.b64, 'base64');
}

/** Stands for a reply that the recorder left out because of its length. */
export const leftOut = '{"return": "left out"}';

/** Whether a line is a reply of the server: neither greeting nor event nor end of file. */
export function isReply(line: RecordedLine): boolean {
  if (line.dir !== 'S') return false;
  return /^\s*\{\s*"(?:return|error|id)"/.test(line.raw ?? '') || /^reply of \d+ bytes/.test(line.note ?? '');
}

/** Descriptions by which the recorded server says that it turned a request down before any handler saw it. */
const turnedDown = new RegExp(
  [
    'QMP input',
    'JSON ',
    "Parameter '.*' is (?:missing|unexpected)$",
    "Parameter '.*' does not accept value ",
    "Parameter '.*' expects (?:u?int\\d+(?:_t)?|integer)$",
    'Invalid parameter type for ',
    'Expecting capabilities ',
    'Capabilities negotiation is already complete',
    'The command .* (?:does not support OOB|has not been found)',
    "The command '.*' is permitted only after machine initialization",
    '(?:Deprecated|Unstable) (?:command|parameter) .* disabled by policy',
  ].join('|'),
  's',
);

/** Whether a recorded error was made by the protocol layer, and not by what the command does. */
export function isTurnedDown(description: string): boolean {
  return description.search(turnedDown) === 0;
}
