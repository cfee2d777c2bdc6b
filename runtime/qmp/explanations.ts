/** What words the reasons of failures. `explain` loads it when there is one. */
export { cannotStart, describeExit, explainEnd } from './process-end.js';
export { explainFailure } from './socket-problem.js';
export { describeEarlyEnd, describeSilence, identify } from './stranger-kinds.js';
