/**
 * What changed since it was last saved in a snapshot, as addresses: rows, cells' keys, codes. What an address holds is
 * read when the snapshot is made, so it may stand here twice and may hold nothing any more.
 *
 * Nothing is noted before the first snapshot: that one saves everything.
 */
export class Unsaved {
  isTracked = false
  #addresses: number[] = []

  note(address: number): void {
    if (this.isTracked) this.#addresses.push(address)
  }

  /** The addresses noted since the last call, ascending, each once. From now on, changes are noted. */
  take(): Int32Array {
    this.isTracked = true
    if (this.#addresses.length === 0) return NONE
    const sorted = new Int32Array(this.#addresses).sort()
    this.#addresses = []
    let count = 0
    for (const address of sorted) if (count === 0 || sorted[count - 1] !== address) sorted[count++] = address
    return sorted.subarray(0, count)
  }

  /** Forgets what was noted: no snapshot knows of the whole yet. */
  reset(): void {
    this.isTracked = false
    this.#addresses = []
  }
}

const NONE = new Int32Array(0)
