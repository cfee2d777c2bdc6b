import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

/** A TFTP server with one file, `disk`, over a network that can lose, double and swap packets. */
export class TftpServer {
  bytes: Uint8Array;
  /** Whether it knows options, or refuses them. */
  options: 'known' | 'unknown' | 'refused' = 'known';
  /** Replaces options that it would agree to. */
  agrees: { [name: string]: string } = {};
  /** Called for each packet of either side: what is done with it. Default: it arrives. */
  network: (to: 'client' | 'server', packet: Buffer) => 'arrives' | 'lost' | 'doubled' | 'late' = () => 'arrives';
  /** Requests, as words. */
  readonly requests: string[][] = [];
  errors = 0;
  readonly #socket = createSocket('udp4');
  readonly #transfers = new Set<Socket>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  async listen(): Promise<void> {
    this.#socket.on('message', (packet, from) => {
      if (this.network('server', packet) !== 'lost') this.#begin(packet, from);
    });
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve));
  }

  close(): void {
    for (const socket of [this.#socket, ...this.#transfers]) socket.close();
    this.#transfers.clear();
  }

  url(path = '/disk'): string {
    return `tftp://127.0.0.1:${this.#socket.address().port}${path}`;
  }

  #begin(packet: Buffer, from: RemoteInfo): void {
    const [file, , ...pairs] = packet.subarray(2).toString().split('\0').slice(0, -1);
    this.requests.push([file ?? '', ...pairs]);
    const socket = createSocket('udp4');
    this.#transfers.add(socket);
    const deliver = (reply: Buffer): void => {
      const fate = this.network('client', reply);
      const send = (): void => {
        if (this.#transfers.has(socket)) socket.send(reply, from.port, from.address);
      };
      if (fate === 'late') setTimeout(send, 20);
      else if (fate !== 'lost') send();
      if (fate === 'doubled') send();
    };
    const fail = (code: number, message: string): void =>
      deliver(Buffer.from(`\0\x05\0${String.fromCharCode(code)}${message}\0`));
    if (file !== 'disk') {
      fail(1, 'no such file');
      return;
    }
    if (this.options === 'refused' && pairs.length > 0) {
      fail(8, 'no options');
      return;
    }
    const asked = new Map<string, string>();
    if (this.options === 'known') {
      for (let at = 0; at < pairs.length; at += 2) asked.set(pairs[at] ?? '', pairs[at + 1] ?? '');
      if (asked.has('tsize')) asked.set('tsize', String(this.bytes.length));
      for (const [name, value] of Object.entries(this.agrees)) asked.set(name, value);
    }
    const blockSize = Number(asked.get('blksize') ?? 512);
    const window = Number(asked.get('windowsize') ?? 1);
    const blocks = Math.floor(this.bytes.length / blockSize) + 1;
    let acknowledged = asked.size > 0 ? -1 : 0;
    let timer: NodeJS.Timeout | undefined;
    const send = (): void => {
      clearTimeout(timer);
      if (acknowledged === blocks) return;
      timer = setTimeout(send, 200);
      timer.unref();
      if (acknowledged < 0) {
        deliver(Buffer.from(`\0\x06${[...asked].flat().join('\0')}\0`));
        return;
      }
      for (let block = acknowledged + 1; block <= Math.min(blocks, acknowledged + window); block++) {
        const head = Buffer.from([0, 3, (block >> 8) & 0xff, block & 0xff]);
        deliver(Buffer.concat([head, this.bytes.subarray((block - 1) * blockSize, block * blockSize)]));
      }
    };
    socket.on('message', (answer) => {
      if (this.network('server', answer) === 'lost') return;
      if (answer[1] === 5) {
        this.errors++;
        clearTimeout(timer);
        return;
      }
      const low = answer.readUInt16BE(2);
      // The number of the block that has these lowest bits, and that was sent.
      for (let block = Math.max(0, acknowledged); block <= acknowledged + window; block++) {
        if ((block & 0xffff) !== low) continue;
        acknowledged = block;
        send();
        return;
      }
    });
    send();
  }
}
