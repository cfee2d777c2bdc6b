import { performance } from 'node:perf_hooks';
import { type generate, incrementalGenerator } from '../generator/emit/generate.js';
import { incrementalWriter, type writeFiles } from '../generator/emit/output/write.js';
import { incrementalLoader, type loadSchema } from '../generator/schema/load.js';
import { FileWatcher } from './file-watcher.js';
import { type GenerateJob, type GenerateOptions, generateJob, selected } from './generate-job.js';
import { amountsOf, seconds, summary, withOutput } from './generate-summary.js';
import type { Host } from './host.js';
import { printDiagnostics } from './report.js';
import { report } from './report-error.js';
import { exitCodes } from './subcommand.js';

/** Generates, and generates again whenever the schema or the configuration changes, until the user stops it. Mistakes do not end it. */
export async function watch(schema: string | undefined, options: GenerateOptions, host: Host): Promise<number> {
  // Without a job there is nothing to watch: the first one has to be right.
  let job = await generateJob(schema, options, host);
  const stop = host.catchInterrupt();
  const watcher = new FileWatcher();
  const steps: Steps = { load: incrementalLoader(), emit: incrementalGenerator(), write: incrementalWriter() };
  try {
    while (!stop.aborted) {
      const read = new Set<string>();
      try {
        job = await generateJob(schema, options, host);
        await run(job, steps, read, host);
      } catch (error) {
        report(error, host);
      }
      watcher.follow([...read, ...(job.configFile === undefined ? [] : [job.configFile])]);
      await watcher.change(stop);
    }
  } finally {
    watcher.close();
  }
  return exitCodes.ok;
}

/** All of them remember what they did the last time. */
interface Steps {
  readonly load: typeof loadSchema;
  readonly emit: typeof generate;
  readonly write: typeof writeFiles;
}

async function run(job: GenerateJob, { load, emit, write }: Steps, read: Set<string>, host: Host): Promise<void> {
  const start = performance.now();
  const files: GenerateJob['files'] = {
    read(path) {
      read.add(job.files.resolve(path));
      return job.files.read(path);
    },
    resolve: job.files.resolve,
  };
  const { schema, diagnostics } = await load(job.schema, { dialect: job.dialect, host: files, advice: false });
  printDiagnostics(diagnostics, host.stderr, host.env);
  if (!schema) {
    host.stderr.write(`${job.output.name} is as it was; waiting for changes\n`);
    return;
  }
  const wanted = selected(schema, job);
  const generated = emit(wanted, job.emit);
  const result = withOutput(() => write(job.output.path, generated));
  host.stdout.write(`${summary(job, amountsOf(wanted, generated), result)} in ${seconds(performance.now() - start)}\n`);
}
