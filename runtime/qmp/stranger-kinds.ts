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

/**
 * What a peer is that has sent something else than is wanted, how that shows, and the way out, worded to stand behind its name;
 * undefined when it is not clear.
 */
export function identify(bytes: Buffer, quoted: string, wanted: Wanted): string | undefined {
  const text = bytes.toString('latin1').trimStart();
  const [, what, wayOut = WANTED[wanted]] = STRANGERS.find(([begins]) => begins.test(text)) ?? [];
  return what && ` is ${what} and no ${wanted}, as it sends ${quoted}: ${wayOut}`;
}
