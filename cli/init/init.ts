import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { exitCodes, type Subcommand } from '../subcommand.js';
import { writeAllOrNone } from '../write-files.js';
import { type Answers, answersFor } from './answers.js';
import { planInit } from './files.js';

/** `qapi-ts init`. */
export const init: Subcommand = {
  declare(command) {
    command
      .description(
        'Writes what a program with generated code begins with: a configuration, a script in package.json, and a first program.\n' +
          'It asks three questions, and overwrites nothing.',
      )
      .option('-y, --yes', 'take the defaults instead of asking')
      .option('--from <place>', "where the schema is: a file, a program's socket, or exec:'COMMAND'")
      .option('-o, --output <folder>', 'the folder for the generated code')
      .option('--program <file>', 'the file for a first program')
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const { yes = false, ...given } = command.opts<Partial<Answers> & { yes?: boolean }>();
    const answers = await answersFor(given, yes, host);
    const { files, kept, script, isModule } = planInit(answers, host.cwd);
    for (const { name } of files) mkdirSync(dirname(resolve(host.cwd, name)), { recursive: true });
    writeAllOrNone(files.map(({ name, text }) => ({ path: resolve(host.cwd, name), text })));
    for (const { name, action } of files) host.stdout.write(`${name}: ${action}\n`);
    for (const name of kept) host.stdout.write(`${name}: left as it is\n`);
    host.stdout.write(`Next: npm install qapi-ts && npm run ${script}\n`);
    if (!isModule) host.stdout.write('The program is an ES module: package.json needs "type": "module"\n');
    return exitCodes.ok;
  },
};

const examples = `
Examples:
  $ qapi-ts init
  $ qapi-ts init --yes
  $ qapi-ts init --from qemu/qapi/qapi-schema.json --output src/generated --program src/main.ts`;
