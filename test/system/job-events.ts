/** An event of a job. */
export interface JobEvent {
  readonly event: string;
  readonly data: { readonly [member: string]: unknown };
}

/** The job that an event is of. */
export const jobOf = ({ data }: Pick<JobEvent, 'data'>): string => String(data.id ?? data.device);

/**
 * Events without the pairs of paused and running (standby and ready) that come of drained sections of the graph: how many there are, and when,
 * is not promised. Events of several jobs come in any order, so they are sorted by job.
 */
export function withoutDrains<Message extends Pick<JobEvent, 'data'>>(events: readonly Message[]): Message[] {
  const kept: Message[] = [];
  for (const message of events) {
    const { id, status } = message.data;
    const before = kept.findLastIndex(({ data }) => data.id === id && id !== undefined);
    const rested = kept[before]?.data.status;
    if ((rested === 'paused' && status === 'running') || (rested === 'standby' && status === 'ready'))
      kept.splice(before, 1);
    else kept.push(message);
  }
  return kept.toSorted((one, other) => jobOf(one).localeCompare(jobOf(other)));
}
