import type { CommandHandlers } from '../../../generated/index.js';
import type { ServerHandlers } from '../../qmp/server/server.js';

/** The handlers of all commands but those that the protocol's server executes itself. */
export type BlockHandlers = ServerHandlers<CommandHandlers>;
