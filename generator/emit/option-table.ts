/** How an option of `qapi-ts generate` is given and what it may be. */
export type OptionRow = {
  /** How the command line takes it. Without, only a configuration has it. */
  readonly flags?: string;
  /** What the help says about it. */
  readonly summary?: string;
  /** Whether the header of generated files mentions a value that is not the default. What only shows in imports needs no mention. */
  readonly inHeader?: true;
} & (
  | { readonly kind: 'path' | 'dialect' | 'switches' }
  | { readonly kind: 'specifier'; readonly default: string }
  | { readonly kind: 'flag'; readonly default: boolean }
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly default: string }
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
);

/**
 * Every option of `qapi-ts generate`, by the name that it has in a configuration. The command line, what a configuration may say,
 * defaults, and the header of generated files follow from this table.
 */
export const optionTable = {
  /** The root schema. With it, the configuration is about this schema only; without it, about every schema. */
  schema: { kind: 'path' },
  /** The folder to write. */
  output: { kind: 'path', flags: '-o, --output <folder>', summary: 'the folder to write' },
  /** The release whose rules to check by. Default: `auto`, which reads the schemas of all. */
  dialect: { kind: 'dialect', flags: '--dialect <release>' },
  /** What to generate. Default: everything. */
  targets: {
    kind: 'choices',
    choices: ['types', 'client', 'visitors', 'commands', 'events', 'introspection'],
    flags: '--target <names>',
    summary: 'generate only some targets',
  },
  /** How 64-bit integers appear. Default: `union`. */
  int64: {
    kind: 'choice',
    choices: ['union', 'bigint', 'number'],
    default: 'union',
    flags: '--int64 <mode>',
    summary: 'how 64-bit integers appear',
    inHeader: true,
  },
  /** The extension in imports of generated files. Default: `js`. */
  importExtension: {
    kind: 'choice',
    choices: ['js', 'ts', 'none'],
    default: 'js',
    flags: '--import-extension <extension>',
    summary: 'in imports of generated files',
  },
  /**
   * Where the generated code imports the runtime from. With `./` or `../` in front it is a path: in a configuration from its file,
   * for `generate` from the output folder. Default: `qapi-ts/runtime`.
   */
  runtimeImport: {
    kind: 'specifier',
    default: 'qapi-ts/runtime',
    flags: '--runtime-import <specifier>',
    summary: 'where generated code imports the runtime from',
  },
  /** The values of configuration symbols. What depends on a symbol that is `false` is left out. */
  define: {
    kind: 'switches',
    flags: '--define <NAME[=on|off]>',
    summary: 'the value of a configuration symbol; once for each',
  },
  /** Take the symbols that `define` does not name for `false`. Default: false. */
  onlyDefined: {
    kind: 'flag',
    default: false,
    flags: '--only-defined',
    summary: 'take all other configuration symbols for off',
  },
  /** Let enum members of types that only ever come from the server hold values that the schema does not know. Default: false. */
  openEnums: {
    kind: 'flag',
    default: false,
    flags: '--open-enums',
    summary: 'let what only the server sends hold enum values that the schema does not know',
    inHeader: true,
  },
} as const satisfies Readonly<Record<string, OptionRow>>;

type Table = typeof optionTable;

/** The name of an option in a configuration. */
export type OptionName = keyof Table;

/** The values of an option, by its row. */
type ValueOf<R extends OptionRow> = R extends { kind: 'flag' }
  ? boolean
  : R extends { kind: 'choice'; choices: readonly (infer Choice)[] }
    ? Choice
    : R extends { kind: 'choices' }
      ? readonly string[]
      : R extends { kind: 'switches' }
        ? Readonly<Record<string, boolean>>
        : string;

/** What a user may say: a value for each option, or nothing. */
export type OptionValues = { readonly [Name in OptionName]?: ValueOf<Table[Name]> | undefined };
