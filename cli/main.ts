#!/usr/bin/env node
import * as nodeModule from 'node:module';

// Node 22.1 and newer can keep compiled code from one run to the next; what this file imports itself would miss it.
(nodeModule as { enableCompileCache?: () => void }).enableCompileCache?.();
const { runInProcess } = await import('./process.js');
await runInProcess();
