import { parseJson } from '../../runtime/json/parse.js';
import { stringify } from '../../runtime/json/stringify.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../runtime/json/value.js';

/** A message of a recorded session, in the order of the wire. */
export interface RecordedMessage {
  /** Which way it went, as the client sees it. */
  readonly direction: 'sent' | 'received';
  readonly message: JsonObject;
}

/**
 * Records the session of a client with a real program, so that `replayQmp` can stand in for the program.
 *
 * A recording holds everything that goes over the wire, secrets included.
 *
 * @example
 * const recorder = new Recorder();
 * const client = await connect('/run/qmp.sock', { onWire: recorder.onWire });
 * await programUnderTest(client);
 * await writeFile('session.jsonl', recorder.toString());
 */
export class Recorder {
  /** All messages so far. */
  readonly messages: RecordedMessage[] = [];

  /** Takes a message; the option `onWire` of `connect`. */
  readonly onWire = (direction: 'sent' | 'received', message: JsonValue): void => {
    // The client goes on with the message, and may change it.
    if (isJsonObject(message)) this.messages.push({ direction, message: parseJson(stringify(message)) as JsonObject });
  };

  /** The recording as text: a line of JSON for each message. */
  toString(): string {
    return this.messages.map(({ direction, message }) => `${stringify({ [direction]: message })}\n`).join('');
  }
}

/**
 * Reads a recording that {@link Recorder} wrote.
 *
 * @throws SyntaxError that names the line that is none of a recording
 */
export function readRecording(text: string): RecordedMessage[] {
  return text.split('\n').flatMap((line, index): RecordedMessage[] => {
    if (line.trim() === '') return [];
    const value = readLine(line);
    for (const direction of ['sent', 'received'] as const) {
      const message = value[direction];
      if (isJsonObject(message)) return [{ direction, message }];
    }
    throw new SyntaxError(`line ${index + 1} of the recording: expected {"sent": {…}} or {"received": {…}}`);
  });
}

/** The object of a line; one without members when it is none. */
function readLine(line: string): JsonObject {
  try {
    const value = parseJson(line);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
