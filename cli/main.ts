#!/usr/bin/env node
import Module from 'node:module';
import { setFlagsFromString } from 'node:v8';

// A short run is over before optimised code pays for its compilation, which takes a quarter of the time on a large schema:
// V8 begins with it when a function has been busy fifteen times as long as usual. A server runs for long.
if (process.argv[2] !== 'serve' && process.argv[2] !== 'mock') setFlagsFromString('--interrupt-budget=2000000');
// Node 22.1 and newer can keep compiled code from one run to the next.
(Module as { enableCompileCache?: () => void }).enableCompileCache?.();

// What V8 compiles before it is set up is not as it should be.
const { runInProcess } = await import('./process.js');
await runInProcess();
