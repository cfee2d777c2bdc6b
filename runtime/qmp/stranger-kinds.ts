/** What programs send first that are something else, what they are, and the way out where the address may be right. */
const STRANGERS: readonly (readonly [begins: RegExp, what: string, wayOut?: string])[] = [
  [/^RFB \d/, 'a VNC server'],
  [/^(?:\xff[\xfb-\xfe].)*[\r\n]*QEMU [\d.]+ monitor/s, 'a monitor for people (HMP)'],
  [/^\xff[\xfb-\xfe]./s, 'a telnet server', 'leave telnet=on away where the socket is made'],
  [
    /^HTTP\/[\d.]+ .*^Sec-WebSocket-/ims,
    'a websocket server',
    'leave websocket=on away where the socket is made, or let connect call a function that opens a websocket',
  ],
  [/^HTTP\/[\d.]+ /, 'an HTTP server'],
  [/^[\x81\x82][\s\S]+"QMP"/, 'a websocket', 'hand over what its frames hold, and not the frames'],
  [/^SSH-\d/, 'an SSH server', 'let ssh run a program there that connects to it'],
  [/^NBDMAGIC/, 'an NBD server'],
  // A record begins with its type and the version, 3.0 to 3.4.
  [/^[^\P{Cc}\s]{3}/u, 'a TLS server', 'let connect call a function that returns a connection of node:tls'],
];

/** What is wanted of a peer, and how that is made. */
const WANTED = {
  'QMP monitor': 'give the address of a QMP monitor (-qmp, or mode=control)',
  'guest agent': 'give the address of the channel to the agent',
} as const;

/** What a client wants to talk to. */
export type Wanted = keyof typeof WANTED;

/** A peer that has not opened a conversation as it should, yet. */
export interface Peer {
  readonly wanted: Wanted;
  /** The first of what it has sent. */
  readonly heard: Buffer;
  /** Whether that is more than white space. */
  readonly spoke: boolean;
}

/** So much of what a peer has sent is quoted. */
const QUOTED = 60;

/** What a peer has sent, in quotes, as it can be shown. */
function quote(heard: Buffer): string {
  const text = heard.toString('utf8').trim();
  const shown = text.slice(0, QUOTED).replace(/[\p{Cc}\uFFFD]+/gu, (found) => (found.trim() === '' ? ' ' : '…'));
  return `'${shown}${text.length > QUOTED ? '…' : ''}'`;
}

/**
 * What a peer is that has sent something else than is wanted, how that shows, and the way out, worded to stand behind its name;
 * undefined when it is not clear.
 */
export function identify({ heard, wanted }: Peer): string | undefined {
  const text = heard.toString('latin1').trimStart();
  const [, what, wayOut = WANTED[wanted]] = STRANGERS.find(([begins]) => begins.test(text)) ?? [];
  return what && ` is ${what} and no ${wanted}, as it sends ${quote(heard)}: ${wayOut}`;
}

/**
 * What a peer has not done yet of what makes a connection ready, worded to stand between its name and "within".
 *
 * @param link absent as long as there is no connection at all
 */
export function describeSilence(link: { readonly stranger: Peer | undefined } | undefined): string {
  if (!link) return ' did not accept the connection';
  const { stranger } = link;
  if (!stranger) return ' greeted, but did not answer qmp_capabilities';
  if (stranger.wanted === 'guest agent')
    return ': no guest agent answered; it may not run in the guest yet, or be busy,';
  if (stranger.spoke) return ` sent ${quote(stranger.heard)}, but did not greet`;
  return ', which may be busy with another client or wait for a TLS or websocket handshake, did not greet';
}

/** When a connection ended that was to be greeted over, worded to stand behind how it ended. */
export function describeEarlyEnd({ heard, spoke }: Peer): string {
  return ` before it greeted${spoke ? `; it sent ${quote(heard)}` : ''}`;
}
