/** Ends with an error that nothing catches; the packaging check reads what Node.js prints of it. */
import { connect } from 'qapi-ts/runtime';

await connect('/nowhere/qmp.sock');
