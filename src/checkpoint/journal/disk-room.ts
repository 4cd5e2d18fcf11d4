/**
 * Keeps a reserve of disk space, so that intake stops before the disk is full and checkpoints still find room.
 *
 * R1  An append is admitted only if the reserve would still be free after it and all that is waiting.
 * R2  Free space is asked for at most every 100 ms; what was admitted since counts as used.
 */
import type { Disk } from '../disk/disk.ts'

const ASK_EVERY_MS = 100

/** The room of one folder. */
export class DiskRoom {
  readonly #disk: Disk
  readonly #folder: string
  readonly #reserveBytes: number
  readonly #nowMs: () => number
  #askedMs = -Infinity
  #freeBytes = 0

  constructor(disk: Disk, folder: string, reserveBytes: number, nowMs: () => number) {
    this.#disk = disk
    this.#folder = folder
    this.#reserveBytes = reserveBytes
    this.#nowMs = nowMs
  }

  /** Takes room for `byteCount` bytes, of which `queuedBytes` before them are not yet on disk; false where there is none. */
  admit(byteCount: number, queuedBytes: number): boolean {
    const nowMs = this.#nowMs()
    // A clock that went back must not keep an old answer alive.
    if (Math.abs(nowMs - this.#askedMs) >= ASK_EVERY_MS) {
      this.#askedMs = nowMs
      this.#freeBytes = this.#disk.freeBytes(this.#folder) - queuedBytes
    }
    if (this.#freeBytes - byteCount < this.#reserveBytes) return false
    this.#freeBytes -= byteCount
    return true
  }

  /** The disk said that it is full: nothing is admitted until it was asked again. */
  exhausted(): void {
    this.#askedMs = this.#nowMs()
    this.#freeBytes = 0
  }
}
