import type { Command, Schema } from '../../../generator/schema/model.js';
import type { Job } from '../../../runtime/block/jobs/job.js';
import type { JsonObject } from '../../../runtime/json/value.js';
import { commonMembers } from '../../model-members.js';

/** What kind of job it is: `backup`, `mirror`, … */
export type JobType = Job['type'];

/** The commands that started jobs before jobs had ids. */
const oldest: ReadonlySet<string> = new Set([
  'block-stream',
  'block-commit',
  'drive-mirror',
  'drive-backup',
  'blockdev-mirror',
  'blockdev-backup',
]);

const typeInName = /(?:^|-)(stream|commit|mirror|backup|create|amend|snapshot-(?:load|save|delete))$/;

/** What jobs a command starts; undefined when it starts none, or when the schema has no such jobs. */
export function jobTypeOf(schema: Schema, command: Command): JobType | undefined {
  if (!oldest.has(command.name) && !takesJobId(command)) return undefined;
  const [, type] = typeInName.exec(command.name) ?? [];
  return type !== undefined && isShown(schema, type) ? (type as JobType) : undefined;
}

function takesJobId({ arguments: args }: Command): boolean {
  if (!args || args.kind === 'alternate') return false;
  return commonMembers(args, () => true).some(({ name }) => name === 'job-id');
}

/** Whether one of the queries can show a job of a type. */
function isShown(schema: Schema, type: string): boolean {
  return ['query-jobs', 'query-block-jobs'].some((name) => {
    const query = schema.lookup(name);
    const list = query?.kind === 'command' ? query.returns : undefined;
    const info = list?.kind === 'array' ? list.element : undefined;
    if (info?.kind !== 'struct' && info?.kind !== 'union') return false;
    const shown = commonMembers(info, () => true).find((member) => member.name === 'type')?.type;
    return shown?.kind === 'enum' ? shown.members.some((value) => value.name === type) : shown !== undefined;
  });
}

/** The type of a job that is made for a disk that is in use: it is ready until it is completed. */
export function becomesReady(type: JobType, args: JsonObject): boolean {
  // Without `top` it is the active layer that is committed.
  return type === 'mirror' || (type === 'commit' && args.top === undefined && args['top-node'] === undefined);
}
