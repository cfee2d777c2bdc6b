import type { Command, Option } from 'commander';
import { dialectNames } from '../../generator/syntax/dialect.js';

/** An option as a shell completes it. */
export interface CompletedOption {
  /** `-o` and `--output`. */
  readonly flags: readonly string[];
  readonly summary: string;
  readonly takesValue: boolean;
  /** The values that it takes, where they are few. */
  readonly values: readonly string[];
}

/** A subcommand as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** The values of its operand, where they are few; else operands are files. */
  readonly values: readonly string[];
}

/** What a shell needs to know of the subcommands of a program, all of which are declared. */
export function completedCommands(program: Command): CompletedCommand[] {
  return program.commands.map((command) => {
    const help = command.createHelp();
    return {
      name: command.name(),
      summary: command.summary(),
      options: help.visibleOptions(command).map(completedOption),
      values: command.registeredArguments[0]?.argChoices ?? [],
    };
  });
}

function completedOption({ short, long, description, required, optional, argChoices }: Option): CompletedOption {
  const values = argChoices ?? (long === '--dialect' ? dialectNames : []);
  const flags = [short, long].filter((flag) => flag !== undefined);
  return { flags, summary: description, takesValue: required || optional, values };
}
