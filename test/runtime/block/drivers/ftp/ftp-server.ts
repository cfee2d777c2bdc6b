import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** An FTP server with one file, `disk`, which it can be made to send wrongly. */
export class FtpServer {
  bytes: Uint8Array;
  /** What clients have sent, in order. */
  readonly commands: string[] = [];
  password: string | undefined;
  /** Answers instead of the server: by returning true. */
  onCommand: (command: string, answer: (line: string) => void, control: Socket) => boolean = () => false;
  /** Closes the connection for data after so many bytes. */
  cutAfter = Number.POSITIVE_INFINITY;
  readonly #tls: TlsOptions | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param tls encrypts everything from the beginning */
  constructor(bytes: Uint8Array, tls?: TlsOptions) {
    this.bytes = bytes;
    this.#tls = tls;
    this.#server = this.#listener((socket) => this.#serve(socket));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Closes all connections. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  url(path = '/disk'): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#tls === undefined ? 'ftp' : 'ftps'}://127.0.0.1:${port}${path}`;
  }

  #listener(use: (socket: Socket) => void): Server {
    const taken = (socket: Socket): void => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
      use(socket);
    };
    return this.#tls === undefined ? createServer(taken) : createTlsServer(this.#tls, taken);
  }

  #serve(control: Socket): void {
    const answer = (line: string): void => void control.write(`${line}\r\n`);
    let data: Promise<Socket> | undefined;
    let offset = 0;
    let user = '';
    let pending = '';
    answer('220 ready');
    control.on('data', (chunk) => {
      pending += chunk.toString();
      for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
        const command = pending.slice(0, end);
        pending = pending.slice(end + 2);
        this.commands.push(command);
        if (!this.onCommand(command, answer, control)) execute(command);
      }
    });
    const execute = (command: string): void => {
      const [word = '', ...rest] = command.split(' ');
      const argument = rest.join(' ');
      if (word === 'USER') {
        user = argument;
        answer('331 password?');
      } else if (word === 'PASS') {
        const right = this.password === undefined || `${user}:${argument}` === this.password;
        answer(right ? '230 welcome' : '530 go away');
      } else if (word === 'SIZE') {
        answer(argument === 'disk' ? `213 ${this.bytes.length}` : '550 no such file');
      } else if (word === 'REST') {
        offset = Number(argument);
        answer('350 from there');
      } else if (word === 'EPSV') {
        void this.#passive().then(([port, socket]) => {
          data = socket;
          answer(`229 come (|||${port}|)`);
        });
      } else if (word === 'RETR') {
        void this.#send(data, offset, answer);
        data = undefined;
        offset = 0;
      } else {
        answer(['TYPE', 'STRU', 'OPTS', 'PBSZ', 'PROT', 'FEAT'].includes(word) ? '200 fine' : '500 what?');
      }
    };
  }

  async #passive(): Promise<[port: number, socket: Promise<Socket>]> {
    let taken: (socket: Socket) => void = () => {};
    const socket = new Promise<Socket>((resolve) => {
      taken = resolve;
    });
    const server = this.#listener((each) => {
      server.close();
      taken(each);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return [(server.address() as AddressInfo).port, socket];
  }

  async #send(data: Promise<Socket> | undefined, offset: number, answer: (line: string) => void): Promise<void> {
    const socket = await data;
    answer('150 here it comes');
    const all = this.bytes.subarray(offset);
    const part = all.subarray(0, this.cutAfter);
    socket?.on('close', () => answer(part.length === all.length && socket.errored === null ? '226 done' : '426 cut'));
    socket?.end(part);
  }
}
