import { invalid } from '../../error.js';
import type { BlockOptions } from '../../options.js';
import { decodePart } from '../shared/url-options.js';

/** A server that knows of a volume. */
interface GlusterServer {
  readonly transport: 'tcp' | 'unix';
  /** The name of the host, or the path of the socket. */
  readonly host: string;
  /** 0: a socket. */
  readonly port: number;
}

/** Where an image is. */
export interface GlusterPlace {
  readonly volume: string;
  readonly path: string;
  /** In the order in which they are tried. */
  readonly servers: readonly GlusterServer[];
  /** How much the library logs. */
  readonly debug: number;
  /** Absent: to standard error. */
  readonly logfile: string | undefined;
}

const defaultPort = 24_007;
export const defaultDebug = 4;
const mostDebug = 9;

/** Where the image of a node is. @throws BlockError when the options do not say */
export function takeGlusterOptions(options: BlockOptions): GlusterPlace {
  const filename = options.takeString('filename');
  const level = { least: 0, most: mostDebug };
  const old = options.takeInteger('debug-level', level);
  const debug = options.takeInteger('debug', level) ?? old ?? defaultDebug;
  const logfile = options.takeString('logfile');
  if (filename !== undefined) return { ...parseGlusterName(filename), debug, logfile };
  const volume = options.takeString('volume') ?? '';
  const path = options.takeString('path') ?? '';
  const servers = options.takeList('server').map(takeServer);
  if (volume === '' || path === '' || servers.length === 0) {
    throw invalid(
      "Driver 'gluster' needs the options 'volume', 'path' and 'server', or a file name gluster://HOST/VOLUME/PATH",
    );
  }
  return { volume, path, servers, debug, logfile };
}

function takeServer(server: BlockOptions): GlusterServer {
  const type = server.takeEnum('type', ['tcp', 'inet', 'unix'] as const);
  if (type === 'unix') {
    // Its name was another one in 2016.
    const path = server.takeString('path') ?? server.takeString('socket') ?? '';
    if (path === '') throw invalid("Option 'path' of a gluster server is missing: the path of the socket");
    return { transport: 'unix', host: path, port: 0 };
  }
  const host = server.takeString('host') ?? '';
  const port = server.takeString('port');
  if (type === undefined || host === '') throw invalid("A gluster server needs a 'type' (inet, unix) and a 'host'");
  return { transport: 'tcp', host, port: port === undefined ? defaultPort : portOf(port) };
}

/**
 * Reads a file name: `gluster[+tcp]://HOST[:PORT]/VOLUME/PATH` or `gluster+unix:///VOLUME/PATH?socket=PATH`.
 *
 * @throws BlockError when it is none of these
 */
export function parseGlusterName(name: string): Pick<GlusterPlace, 'volume' | 'path' | 'servers'> {
  const [, transport, six, host = six ?? '', port, volume = '', path = '', query] =
    /^gluster(?:\+(tcp|unix))?:\/\/(?:\[([^\]]+)\]|([^:/?]*))(?::(\d+))?\/+([^/?]+)\/+([^?]+)(?:\?(.*))?$/s.exec(
      name,
    ) ?? [];
  const [, socket = ''] = /^socket=([^&]+)$/s.exec(query ?? '') ?? [];
  const isUnix = transport === 'unix';
  if (path === '' || (isUnix ? socket === '' || host !== '' : query !== undefined)) {
    throw invalid(`'${name}' is not gluster://HOST[:PORT]/VOLUME/PATH or gluster+unix:///VOLUME/PATH?socket=PATH`);
  }
  const server: GlusterServer = isUnix
    ? { transport: 'unix', host: decodePart(socket), port: 0 }
    : { transport: 'tcp', host: host || 'localhost', port: port === undefined ? defaultPort : portOf(port) };
  return { volume: decodePart(volume), path: decodePart(path), servers: [server] };
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw invalid(`'${text}' is no port`);
  return port;
}
