import type { CommandHandlers } from '../../../generated/index.js';
import type { ServerHandlers } from '../../qmp/server/server.js';

/** Commands of the schema that have no handler yet: they are not there for clients. A line goes when its command comes. */
type Absent = 'blockdev-set-active';

/** The handlers of all commands that there are, but those that the protocol's server executes itself. */
export type BlockHandlers = Omit<ServerHandlers<CommandHandlers>, Absent>;
