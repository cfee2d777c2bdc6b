import type { JsonValue } from '../../../../runtime/json/value.js';
import type { EventSink } from '../../../../runtime/qmp/event-sink.js';
import { SimulatedClock } from '../simulated-clock.js';

/** What a backend needs of the host: a clock that tests move, and a sink that keeps what is sent. */
export class RecordingHost {
  readonly clock = new SimulatedClock();
  readonly sent: { readonly name: string; readonly data: JsonValue | undefined }[] = [];
  readonly events: EventSink = { emit: (name, data) => void this.sent.push({ name, data }) };
}
