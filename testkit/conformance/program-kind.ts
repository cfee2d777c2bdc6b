/** What programs of a kind have in common, as far as it matters for checking them. */
export interface ProgramKind {
  /** A query without effects that every program has, for what is not about a particular command. */
  readonly harmless: string;
  /** The command that lists the commands. */
  readonly list: string;
  /** What to say of a command that is not among those that can be executed. */
  readonly unlisted: string;
  /** Whether replies repeat the id of the request. */
  readonly repeatsId: boolean;
  /** Whether a command only asks, going by its name. */
  isQuery(name: string): boolean;
}

/** QEMU, its storage daemon, and other servers of QMP. */
export const qmpServer: ProgramKind = {
  harmless: 'query-version',
  list: 'query-commands',
  unlisted: 'query-commands does not list it',
  repeatsId: true,
  isQuery: (name) => name.startsWith('query-'),
};

/** The guest agent. Requests to it bear no id: it does not accept one in old releases. */
export const guestAgent: ProgramKind = {
  harmless: 'guest-ping',
  list: 'guest-info',
  unlisted: 'guest-info does not call it enabled',
  repeatsId: false,
  isQuery: (name) => /^guest-(?:info|ping|fsfreeze-status|(?:\w+-)?get-.*)$/.test(name),
};
