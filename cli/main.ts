#!/usr/bin/env node
import Module, { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { keepingCompiledCode } from './compiled-code.js';
import type * as Program from './process.js';

// A server runs for long; everything else is over soon.
const isServer = process.argv[2] === 'serve';

// A short run is over before optimised code pays for its compilation, which takes a quarter of the time on a large schema:
// V8 begins with it when a function has been busy seven times as long as usual.
if (!isServer) setFlagsFromString('--interrupt-budget=1000000');
// Node 22.1 and newer can keep compiled code from one run to the next.
(Module as { enableCompileCache?: () => void }).enableCompileCache?.();

// The rest is one file, whose parts run when they are first needed: to find and compile many takes longer. It is CommonJS
// because the compiled code of ES modules cannot be kept before 22.1.
const run = async (): Promise<void> => {
  const program = createRequire(import.meta.url)('./program.cjs') as typeof Program;
  await program.runInProcess((url) => import(url));
};
// Code that was kept under one setting of V8 is of no use under another.
await (isServer ? run() : keepingCompiledCode(process.env, run));
