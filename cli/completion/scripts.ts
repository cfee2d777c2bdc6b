import type { CompletedCommand, CompletedOption } from './model.js';

/** A script that makes a shell complete the command line of a program. */
type Script = (program: string, commands: readonly CompletedCommand[]) => string;

/** The shells, and what to run or write for each. */
export const scripts = { bash, zsh, fish } as const satisfies Readonly<Record<string, Script>>;

/** A text as one word of a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function flagsOf({ options }: CompletedCommand): string[] {
  return options.flatMap(({ flags }) => flags);
}

function bash(program: string, commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap(({ name, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ flags, values }) => {
        const patterns = flags.map((flag) => quote(`${name} ${flag}`)).join('|');
        return `    ${patterns}) ${values.length === 0 ? 'return' : `words=${quote(values.join(' '))} value=1`} ;;`;
      }),
  );
  const words = commands.map((command) => {
    const list = [...command.values, ...flagsOf(command)].join(' ');
    return `    ${quote(command.name)}) words=${quote(list)}${command.values.length > 0 ? ' value=1' : ''} ;;`;
  });
  const name = `_${program.replaceAll('-', '_')}`;
  return `# Completion of ${program} for bash: source <(${program} completion bash)
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= words= value= word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    case $word in
    ${commands.map((command) => command.name).join('|')}) command=$word; break ;;
    esac
  done
  case "$command $prev" in
${values.join('\n')}
  esac
  if [[ -z $words ]]; then
    case $command in
    '') words=${quote(commands.map((command) => command.name).join(' '))} value=1 ;;
${words.join('\n')}
    esac
  fi
  # Whatever is no option is a file, and those bash completes itself.
  if [[ -n $value || $cur == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$cur")); fi
}
complete -o default -F ${name} ${program}
`;
}

function zsh(program: string, commands: readonly CompletedCommand[]): string {
  const name = `_${program.replaceAll('-', '_')}`;
  const descriptions = commands.map((command) => `    ${quote(`${command.name}:${command.summary}`)}`);
  const cases = commands.map((command) => {
    const operand = command.values.length > 0 ? `*:value:(${command.values.join(' ')})` : '*:file:_files';
    const specs = [...command.options.flatMap(zshOption), operand];
    return `    ${quote(command.name)}) _arguments ${specs.map(quote).join(' ')} ;;`;
  });
  return `#compdef ${program}
# Completion of ${program} for zsh: write it to _${program} in a folder of $fpath
${name}() {
  local -a commands
  commands=(
${descriptions.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _${program} ]]; then ${name} "$@"; else compdef ${name} ${program}; fi
`;
}

function zshOption({ flags, summary, takesValue, values }: CompletedOption): string[] {
  const text = summary.replace(/[[\]:]/g, '\\$&').replaceAll('\n', ' ');
  const value = values.length > 0 ? `:value:(${values.join(' ')})` : takesValue ? ':value:_files' : '';
  return flags.map((flag) => `*${flag}[${text}]${value}`);
}

function fish(program: string, commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, summary, options, values }) => {
    const condition = quote(`__fish_seen_subcommand_from ${name}`);
    return [
      `complete -c ${program} -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
      ...(values.length > 0 ? [`complete -c ${program} -n ${condition} -f -a ${quote(values.join(' '))}`] : []),
      ...options.map((option) => `complete -c ${program} -n ${condition} ${fishOption(option)}`),
    ];
  });
  return [`# Completion of ${program} for fish: ${program} completion fish | source`, ...lines, ''].join('\n');
}

function fishOption({ flags, summary, takesValue, values }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const value = values.length > 0 ? [`-x -a ${quote(values.join(' '))}`] : takesValue ? ['-r'] : [];
  return [...names, ...value, `-d ${quote(summary)}`].join(' ');
}
