/**
 * What changed since it was last saved in a snapshot, as addresses: rows, cells' keys, codes. What an address holds is
 * read when the snapshot is made, so it may stand here twice and may hold nothing any more.
 *
 * Nothing is noted before the first snapshot: that one saves everything.
 *
 * N1  `take` gives the addresses ascending, each once, and costs what was noted: never what there is.
 */
export class Unsaved {
  isTracked = false
  #addresses: number[] = []

  note(address: number): void {
    if (this.isTracked) this.#addresses.push(address)
  }

  /** The addresses noted since the last call (N1). From now on, changes are noted. */
  take(): Int32Array {
    this.isTracked = true
    const addresses = this.#addresses
    if (addresses.length === 0) return NONE
    this.#addresses = []
    let largest = 0
    for (let i = 0; i < addresses.length; i++) largest = Math.max(largest, addresses[i] as number)
    return largest < addresses.length * ADDRESSES_A_NOTE ? ascendingOfDense(addresses, largest) : ascending(addresses)
  }

  /** Forgets what was noted: no snapshot knows of the whole yet. */
  reset(): void {
    this.isTracked = false
    this.#addresses = []
  }
}

const NONE = new Int32Array(0)

/** Where there is a note for so many addresses, looking at a bit for each takes less time than sorting. */
const ADDRESSES_A_NOTE = 256

/** A bit for each address; all are clear between two calls. */
let bits = new Int32Array(1_024)

function ascendingOfDense(addresses: readonly number[], largest: number): Int32Array {
  const words = (largest >>> 5) + 1
  if (words > bits.length) bits = new Int32Array(words)
  for (let i = 0; i < addresses.length; i++) {
    const address = addresses[i] as number
    bits[address >>> 5] = (bits[address >>> 5] as number) | (1 << (address & 31))
  }
  const sorted = new Int32Array(addresses.length)
  let count = 0
  for (let word = 0; word < words; word++) {
    let left = bits[word] as number
    if (left === 0) continue
    bits[word] = 0
    for (; left !== 0; left &= left - 1) sorted[count++] = word * 32 + 31 - Math.clz32(left & -left)
  }
  return sorted.subarray(0, count)
}

function ascending(addresses: readonly number[]): Int32Array {
  const sorted = new Int32Array(addresses).sort()
  let count = 0
  for (let i = 0; i < sorted.length; i++)
    if (count === 0 || sorted[count - 1] !== sorted[i]) sorted[count++] = sorted[i] as number
  return sorted.subarray(0, count)
}
