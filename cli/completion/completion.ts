import { Argument } from 'commander';
import { exitCodes, type Subcommand } from '../subcommand.js';
import { completedCommands } from './model.js';
import { scripts } from './scripts.js';

const shells = Object.keys(scripts) as (keyof typeof scripts)[];

/** `qapi-ts completion`. All other subcommands are declared when it runs, so that it knows their options. */
export const completion: Subcommand = {
  declare(command) {
    command
      .description('Prints a script that makes a shell complete subcommands, options and their values.')
      .addArgument(new Argument('<shell>', 'whose script').choices(shells))
      .addHelpText('after', examples);
  },
  async run(command, host) {
    const [shell] = command.processedArgs as [keyof typeof scripts];
    const program = command.parent ?? command;
    host.stdout.write(scripts[shell](program.name(), completedCommands(program)));
    return exitCodes.ok;
  },
};

const examples = `
Examples:
  $ source <(qapi-ts completion bash)                          (in ~/.bashrc)
  $ qapi-ts completion zsh > "\${fpath[1]}/_qapi-ts"
  $ qapi-ts completion fish > ~/.config/fish/completions/qapi-ts.fish`;
