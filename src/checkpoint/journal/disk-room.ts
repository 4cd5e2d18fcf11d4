/**
 * Keeps a reserve of disk space, so that intake stops before the disk is full and checkpoints still find room.
 *
 * R1  An append is admitted only if the reserve would still be free after it and all that is waiting.
 * R2  Free space is asked for at most every 100 ms; what was admitted since counts as used.
 * R3  Once an append was refused, the next is admitted only where a sixteenth of the reserve would be free beside it: what
 *     others write and remove near the reserve does not open and close intake again and again.
 */
import type { Disk } from '../disk/disk.ts'

const ASK_EVERY_MS = 100
/** This part of the reserve must be free beside it before intake goes on (R3). */
const MARGIN_SHARE = 16

/** The room of one folder. */
export class DiskRoom {
  readonly #disk: Disk
  readonly #folder: string
  readonly #reserveBytes: number
  readonly #nowMs: () => number
  #askedMs = -Infinity
  #freeBytes = 0
  #isFull = false

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
    const marginBytes = this.#isFull ? this.#reserveBytes / MARGIN_SHARE : 0
    this.#isFull = this.#freeBytes - byteCount < this.#reserveBytes + marginBytes
    if (this.#isFull) return false
    this.#freeBytes -= byteCount
    return true
  }

  /** The disk said that it is full: nothing is admitted until it was asked again. */
  exhausted(): void {
    this.#askedMs = this.#nowMs()
    this.#freeBytes = 0
    this.#isFull = true
  }
}
