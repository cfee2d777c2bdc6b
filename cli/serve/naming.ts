import { isQmpFailure } from '../../runtime/qmp/error.js';
import { ListenError } from '../../runtime/qmp/server/listen-error.js';
import { UserError } from '../user-error.js';

/** Runs a step of starting; when it fails, the error tells of the option that asked for it. */
export async function naming<T>(option: string, step: () => Promise<T> | T): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (!isQmpFailure(error) && !(error instanceof ListenError)) throw error;
    throw new UserError(`${option}: ${error.message}`, { cause: error });
  }
}
