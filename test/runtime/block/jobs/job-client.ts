import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BlockJobInfo } from '../../../../generated/index.js';
import type { Backend } from '../../../../runtime/block/backend/backend.js';
import { readDrive } from '../../../../runtime/block/drive/read-drive.js';
import { createImage } from '../../../../runtime/block/graph/create.js';
import { LayerClient } from '../layer-client.js';

/** An event as a client receives it. */
export interface ReceivedEvent {
  readonly name: string;
  readonly data: { readonly [member: string]: unknown };
}

const ends = ['BLOCK_JOB_COMPLETED', 'BLOCK_JOB_CANCELLED'];

/** A block layer on images in a folder of its own, for the time of a test. */
export class JobClient extends LayerClient {
  readonly folder = mkdtempSync(join(tmpdir(), 'jobs-'));

  /** Makes one with a drive `d0` over an image of 4 MiB, qcow2 over qcow2, and 64 KiB of data in each layer. */
  static async withChain(): Promise<JobClient> {
    const client = new JobClient();
    onTestFinished(async () => {
      await client.layer.close();
      rmSync(client.folder, { recursive: true, force: true });
    });
    const size = 4 << 20;
    await client.create('base.qcow2', size);
    await client.fill('base.qcow2', 0, 0x11, 1 << 20);
    await client.create('top.qcow2', size, 'base.qcow2');
    await client.drive(`file=${client.at('top.qcow2')},if=none,id=d0`);
    await client.backend('d0').write(65_536, Buffer.alloc(65_536, 0x22));
    return client;
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  async create(name: string, size: number, backing?: string): Promise<void> {
    const format = name.endsWith('.raw') ? 'raw' : 'qcow2';
    const over = backing === undefined ? {} : { backing: { name: backing, format: 'qcow2' } };
    await createImage(this.layer.graph, { format, filename: this.at(name), size, ...over });
  }

  /** Writes to an image that is not open. */
  async fill(name: string, offset: number, byte: number, length: number): Promise<void> {
    await this.drive(`file=${this.at(name)},if=none,id=filled`);
    await this.backend('filled').write(offset, Buffer.alloc(length, byte));
    await this.layer.deleteDrive('filled');
  }

  drive(text: string): Promise<void> {
    return this.layer.addDrive(readDrive(text, this.layer.registry));
  }

  backend(name: string): Backend {
    const backend = this.layer.backend(name);
    if (backend === undefined) throw new Error(`There is no drive '${name}'`);
    return backend;
  }

  /** All of a drive. */
  async content(name: string): Promise<Buffer> {
    const backend = this.backend(name);
    const buffer = Buffer.alloc(backend.length);
    await backend.read(0, buffer);
    return buffer;
  }

  /** All of an image that is not open. */
  async contentOf(name: string): Promise<Buffer> {
    await this.drive(`file=${this.at(name)},if=none,id=read,readonly=on`);
    const content = await this.content('read');
    await this.layer.deleteDrive('read');
    return content;
  }

  async jobs(): Promise<readonly BlockJobInfo[]> {
    return (await this.execute('query-block-jobs')) as BlockJobInfo[];
  }

  /** The first event of some names since the last call, however early it came; it is taken out of {@link events}. */
  async event(...names: string[]): Promise<ReceivedEvent> {
    for (;;) {
      const index = this.events.findIndex(({ name }) => names.includes(name));
      if (index >= 0) return this.events.splice(index, 1)[0] as ReceivedEvent;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** The event of the end of a job. */
  end(): Promise<ReceivedEvent> {
    return this.event(...ends);
  }
}
