import type { Argument, Command, Option } from 'commander';
import { exitCodes } from '../../cli/subcommand.js';
import packageJson from '../../package.json' with { type: 'json' };

const exits: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'It went well. Warnings do not change that.',
  problems: 'Something needs you: a schema, a file, a program, the command line or the configuration.',
  bug: 'A mistake in qapi-ts.',
  interrupted: 'Stopped by a signal. What was there before is as it was.',
};

/**
 * The manual page of a program, made of the same declarations as its help.
 *
 * @param program has all its subcommands declared
 */
export function manualPage(program: Command): string {
  const name = program.name();
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${packageJson.version}" "User Commands"`,
    '.SH NAME',
    escaped(`${name} - ${program.description()}`),
    '.SH SYNOPSIS',
    ...program.commands.map(
      (command) => `.B ${escaped(`${name} ${command.name()}`)}\n${escaped(command.usage())}\n.br`,
    ),
    '.SH DESCRIPTION',
    escaped(`${name} help COMMAND prints the help of a command. The project's documentation says more about each.`),
    '.SH COMMANDS',
    ...program.commands.flatMap(section),
    '.SH EXIT STATUS',
    ...Object.entries(exitCodes).flatMap(([key, code]) => [
      '.TP',
      `.B ${code}`,
      escaped(exits[key as keyof typeof exits]),
    ]),
    '.SH ENVIRONMENT',
    ...item('NO_COLOR', 'When set, no colours are printed.'),
    ...item('FORCE_COLOR', 'When set, colours are printed also where there is no terminal.'),
    ...item('QAPI_TS_DEBUG', 'When set, errors have a stack trace.'),
  ];
  return `${lines.join('\n')}\n`;
}

function section(command: Command): string[] {
  const help = command.createHelp();
  return [
    `.SS ${escaped(`${command.name()} ${command.usage()}`)}`,
    ...command.description().split('\n').map(escaped),
    ...command.registeredArguments.flatMap(argument),
    ...help.visibleOptions(command).flatMap(option),
    ...examplesOf(command),
  ];
}

function argument(declared: Argument): string[] {
  const name = `${declared.name()}${declared.variadic ? '...' : ''}`;
  return item(declared.required ? `<${name}>` : `[${name}]`, declared.description);
}

function option({ flags, description, argChoices, defaultValue }: Option): string[] {
  const choices = argChoices && argChoices.length > 0 ? ` One of ${argChoices.join(', ')}.` : '';
  const preset = typeof defaultValue === 'string' ? ` Default: ${defaultValue}.` : '';
  return item(flags, `${description}.${choices}${preset}`);
}

function item(head: string, text: string): string[] {
  return ['.TP', `.B ${escaped(head)}`, escaped(text.replaceAll('\n', ' '))];
}

/** The examples of a command's help. */
function examplesOf(command: Command): string[] {
  let text = '';
  const { writeOut } = command.configureOutput();
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  command.configureOutput(writeOut ? { writeOut } : {});
  const [, examples] = /\nExamples:\n([\s\S]*)$/.exec(text) ?? [];
  if (examples === undefined) return [];
  return ['.PP', 'Examples:', '.PP', '.nf', ...examples.trimEnd().split('\n').map(escaped), '.fi'];
}

/** Text that a formatter of manual pages prints as it is. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replace(/^\./, '\\&.');
}
