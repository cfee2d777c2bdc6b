#!/usr/bin/env node
import * as nodeModule from 'node:module';
import { setFlagsFromString } from 'node:v8';

// A run is over before optimised code pays for its compilation, which takes a quarter of the time on a large schema:
// V8 begins with it when a function has been busy seven times as long as usual.
setFlagsFromString('--interrupt-budget=1000000');
// Node 22.1 and newer can keep compiled code from one run to the next; what this file imports itself would miss it.
(nodeModule as { enableCompileCache?: () => void }).enableCompileCache?.();
const { runInProcess } = await import('./process.js');
await runInProcess();
