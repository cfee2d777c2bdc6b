/*
 * Node.js's file functions as promises. Those of `fs/promises` do the same, slower: a request would cost several promises.
 */

import fs from 'node:fs';
import { blockErrorOf, ioError } from '../../error.js';
import { systemPath } from '../../file-name.js';

/** The most bytes that one system call moves; Linux does a little less than 2 GiB. */
const mostBytes = 2 ** 30;

/** Opens a file. @throws BlockError */
export function openFd(path: string, flags: number, mode = 0o644): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(systemPath(path), flags, mode, (error, fd) => (error ? reject(blockErrorOf(error)) : resolve(fd)));
  });
}

/** Closes a file, of which nothing is left even if that fails. @throws BlockError */
export function closeFd(fd: number): Promise<void> {
  return done((callback) => fs.close(fd, callback));
}

/** What the system knows of an open file. @throws BlockError */
export function statFd(fd: number): Promise<fs.Stats> {
  return new Promise((resolve, reject) => {
    fs.fstat(fd, (error, stats) => (error ? reject(blockErrorOf(error)) : resolve(stats)));
  });
}

/** What the system knows of the file at a path; links are followed. @throws BlockError */
export function statPath(path: string): Promise<fs.Stats> {
  return new Promise((resolve, reject) => {
    fs.stat(systemPath(path), (error, stats) => (error ? reject(blockErrorOf(error)) : resolve(stats)));
  });
}

/** Sets a file's length. @throws BlockError */
export function truncateFd(fd: number, size: number): Promise<void> {
  return done((callback) => fs.ftruncate(fd, size, callback));
}

/** All that was written is on the disk afterwards. @throws BlockError */
export function syncFd(fd: number): Promise<void> {
  return done((callback) => fs.fdatasync(fd, callback));
}

/**
 * Fills a buffer from a place in a file, in as many calls as it takes.
 *
 * @param from where in the buffer to begin; what is before has been read
 * @param unit bytes that reads must begin at multiples of: what ends in between is the end of the file
 * @returns how much of the buffer is filled: less than all at the end of the file only
 * @throws BlockError
 */
export function readFd(fd: number, buffer: Uint8Array, offset: number, from = 0, unit = 1): Promise<number> {
  return new Promise((resolve, reject) => {
    let filled = from;
    const read = (): void => {
      fs.read(fd, buffer, filled, Math.min(buffer.length - filled, mostBytes), offset + filled, received);
    };
    const received = (error: Error | null, count: number): void => {
      if (error) {
        reject(blockErrorOf(error));
        return;
      }
      filled += count;
      if (count === 0 || filled >= buffer.length || filled % unit !== 0) resolve(filled);
      else read();
    };
    read();
  });
}

/**
 * Writes a whole buffer to a place in a file, in as many calls as it takes.
 *
 * @param from where in the buffer to begin; what is before has been written
 * @throws BlockError
 */
export function writeFd(fd: number, data: Uint8Array, offset: number, from = 0): Promise<void> {
  return new Promise((resolve, reject) => {
    let written = from;
    const write = (): void => {
      fs.write(fd, data, written, Math.min(data.length - written, mostBytes), offset + written, sent);
    };
    const sent = (error: Error | null, count: number): void => {
      if (error) {
        reject(blockErrorOf(error));
        return;
      }
      written += count;
      if (written >= data.length) resolve();
      // A device that is full may say so by taking nothing.
      else if (count === 0) reject(ioError('ENOSPC'));
      else write();
    };
    write();
  });
}

function done(start: (callback: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(blockErrorOf(error)) : resolve()));
  });
}
