/**
 * Dead letters of the epoch at hand, kept until its barrier.
 *
 * L1  Memory is bounded: past `MAX_LETTERS` or `MAX_BYTES` in one epoch a letter is only counted. Its event is in the
 *     ledger all the same.
 */
import type { DeadLetter, DeadLetterSink } from './ports.ts'

const MAX_LETTERS = 10_000
const MAX_BYTES = 8 * 1_024 * 1_024

export class DeadLetterBuffer implements DeadLetterSink {
  /** Letters since the start that there was no room for (L1). */
  left = 0
  readonly #other: DeadLetterSink | undefined
  #letters: DeadLetter[] = []
  #bytes = 0

  /** @param other is given every letter as well, at once */
  constructor(other?: DeadLetterSink) {
    this.#other = other
  }

  write(letter: DeadLetter): void {
    this.#other?.write(letter)
    if (this.#letters.length >= MAX_LETTERS || this.#bytes + letter.bytes.length > MAX_BYTES) {
      this.left++
      return
    }
    this.#letters.push({ ...letter, bytes: letter.bytes.slice() })
    this.#bytes += letter.bytes.length
  }

  /** Hands out what has gathered and begins anew. */
  take(): readonly DeadLetter[] {
    const letters = this.#letters
    this.#letters = []
    this.#bytes = 0
    return letters
  }
}
