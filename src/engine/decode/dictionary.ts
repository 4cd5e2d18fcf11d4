/**
 * A dimension's texts, each under a small number.
 *
 * D1  Equal texts have equal codes and different texts different ones, byte by byte.
 * D2  Code 0 is the text for events that lack the dimension, for good; an event that carries that very text gets it
 *     too.
 * D3  A code keeps its text until a sweep frees it; a freed code may then come back with another text. Whoever holds
 *     codes (state, cells, a batch not yet processed) must name them in the sweep.
 * D4  Memory follows the texts alive at the last sweep plus those seen since, never the number of events.
 * D5  A text is found by its bytes, never only by a hash of them.
 * D6  Where a text lands in the table depends on a secret seed, so that no log can be made of colliding names.
 */
import { Unsaved } from '../state/unsaved.ts'
import { decodeUtf8, encodeUtf8 } from './utf8.ts'

const FREE = -1
const INITIAL_SLOTS = 64

/** Entries of the cache of short texts, each three words and a code + 1. */
const SHORT_ENTRIES = 4096

export class Dictionary {
  /** Changes whenever codes are freed. */
  version = 0
  readonly #seed: number
  readonly #multiplier: number
  /** Open addressing with linear probing: code + 1, or 0 for an empty slot. At most half full. */
  #slots = new Int32Array(INITIAL_SLOTS)
  #hashes = new Int32Array(INITIAL_SLOTS)
  #starts = new Int32Array(INITIAL_SLOTS)
  /** Length of each code's text in bytes, or FREE. */
  #lengths = new Int32Array(INITIAL_SLOTS)
  #texts: (string | undefined)[] = []
  #arena = new Uint8Array(1024)
  #arenaUsed = 0
  #freeCodes: number[] = []
  #codeLimit = 0
  #size = 0
  /** Codes that got a text, or lost it, since a snapshot last had them. */
  readonly unsaved: Unsaved = new Unsaved()
  readonly #short = new Int32Array(SHORT_ENTRIES * 4)

  /**
   * @param missing text of code 0
   * @param seed secret of this process; codes do not depend on it
   */
  constructor(missing: string, seed: number) {
    this.#seed = seed | 0
    this.#multiplier = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1
    const bytes = encodeUtf8(missing)
    this.codeOf(bytes, 0, bytes.length)
  }

  /** Texts alive, that of code 0 included. */
  get size(): number {
    return this.#size
  }

  /** Every code in use is below it. */
  get codeLimit(): number {
    return this.#codeLimit
  }

  /** Bytes of memory held in tables, roughly. */
  get byteSize(): number {
    return this.#arena.length + 4 * (this.#slots.length + 3 * this.#hashes.length)
  }

  /** The code of the text whose UTF-8 bytes are [start, end), new if need be. */
  codeOf(bytes: Uint8Array, start: number, end: number): number {
    const hash = this.#hashOf(bytes, start, end)
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    for (;;) {
      const code = (slots[slot] as number) - 1
      if (code < 0) return this.#add(hash, slot, bytes, start, end)
      if (this.#hashes[code] === hash && this.#equals(code, bytes, start, end)) return code
      slot = (slot + 1) & mask
    }
  }

  /**
   * The code of a text of 1 to 12 bytes, none of them zero, as three little-endian words padded with zeros, if it was
   * remembered since the last sweep; else -1, and {@link codeOf} knows.
   */
  findShort(first: number, second: number, third: number): number {
    const short = this.#short
    const at = shortEntry(first, second, third)
    return short[at] === first && short[at + 1] === second && short[at + 2] === third
      ? (short[at + 3] as number) - 1
      : -1
  }

  /** Remembers the code of a short text for {@link findShort}. */
  rememberShort(first: number, second: number, third: number, code: number): void {
    const at = shortEntry(first, second, third)
    this.#short[at] = first
    this.#short[at + 1] = second
    this.#short[at + 2] = third
    this.#short[at + 3] = code + 1
  }

  /** The text of a code in use. */
  textOf(code: number): string {
    const known = this.#texts[code]
    if (known !== undefined) return known
    const start = this.#startOf(code)
    const text = decodeUtf8(this.#arena, start, start + (this.#lengths[code] as number))
    this.#texts[code] = text
    return text
  }

  /** A copy of the UTF-8 bytes of a code in use. */
  bytesOf(code: number): Uint8Array {
    const start = this.#startOf(code)
    return this.#arena.slice(start, start + (this.#lengths[code] as number))
  }

  /** Whether a code below {@link codeLimit} has a text. */
  isUsed(code: number): boolean {
    return code < this.#codeLimit && this.#lengths[code] !== FREE
  }

  /** Gives a code the text that a snapshot has, or none. Then {@link rebuild}. */
  restore(code: number, text: Uint8Array | undefined): void {
    while (this.#codeLimit <= code) {
      if (this.#codeLimit >= this.#lengths.length) this.#growCodes()
      this.#lengths[this.#codeLimit++] = FREE
    }
    this.#texts[code] = undefined
    if (text === undefined) this.#lengths[code] = FREE
    else this.#write(code, this.#hashOf(text, 0, text.length), text, 0, text.length)
  }

  /** Finds texts again after they were restored. */
  rebuild(): void {
    this.#size = 0
    for (let code = 0; code < this.#codeLimit; code++) if (this.isUsed(code)) this.#size++
    this.#short.fill(0)
    this.#shrinkCodes()
    this.#compactArena()
    this.#rebuildSlots(slotsFor(this.#size))
  }

  /**
   * Frees every code but 0 that `isUsed` disowns, and the memory of its text.
   *
   * @returns how many codes were freed
   */
  sweep(isUsed: (code: number) => boolean): number {
    let freed = 0
    for (let code = 1; code < this.#codeLimit; code++) {
      if (this.#lengths[code] === FREE || isUsed(code)) continue
      this.#lengths[code] = FREE
      this.#texts[code] = undefined
      this.unsaved.note(code)
      freed++
    }
    if (freed === 0) return 0
    this.version++
    this.#size -= freed
    this.#short.fill(0)
    this.#shrinkCodes()
    this.#compactArena()
    this.#rebuildSlots(slotsFor(this.#size))
    return freed
  }

  #startOf(code: number): number {
    if (!(code >= 0 && code < this.#codeLimit) || this.#lengths[code] === FREE)
      throw new RangeError(`dictionary code ${code} is not in use`)
    return this.#starts[code] as number
  }

  #hashOf(bytes: Uint8Array, start: number, end: number): number {
    const multiplier = this.#multiplier
    let hash = this.#seed ^ (end - start)
    for (let pos = start; pos < end; pos++) {
      hash = Math.imul(hash ^ (bytes[pos] as number), multiplier)
      hash ^= hash >>> 15
    }
    hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b)
    return hash ^ (hash >>> 16)
  }

  #equals(code: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (this.#lengths[code] !== length) return false
    const arena = this.#arena
    const from = this.#starts[code] as number
    for (let i = 0; i < length; i++) if (arena[from + i] !== bytes[start + i]) return false
    return true
  }

  #add(hash: number, slot: number, bytes: Uint8Array, start: number, end: number): number {
    const code = this.#freeCodes.pop() ?? this.#codeLimit++
    if (code >= this.#hashes.length) this.#growCodes()
    this.#write(code, hash, bytes, start, end)
    this.unsaved.note(code)
    this.#size++
    this.#slots[slot] = code + 1
    if (this.#size * 2 > this.#slots.length) this.#rebuildSlots(this.#slots.length * 2)
    return code
  }

  #write(code: number, hash: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.#arenaUsed + length > this.#arena.length) this.#growArena(length)
    for (let i = 0; i < length; i++) this.#arena[this.#arenaUsed + i] = bytes[start + i] as number
    this.#hashes[code] = hash
    this.#starts[code] = this.#arenaUsed
    this.#lengths[code] = length
    this.#arenaUsed += length
  }

  #growCodes(): void {
    this.#hashes = grown(this.#hashes)
    this.#starts = grown(this.#starts)
    this.#lengths = grown(this.#lengths)
  }

  #shrinkCodes(): void {
    while (this.#lengths[this.#codeLimit - 1] === FREE) this.#codeLimit--
    const room = slotsFor(this.#codeLimit)
    this.#hashes = this.#hashes.slice(0, room)
    this.#starts = this.#starts.slice(0, room)
    this.#lengths = this.#lengths.slice(0, room)
    this.#texts.length = Math.min(this.#texts.length, this.#codeLimit)
    this.#freeCodes = []
    // Popped from the end, so that low codes come back first and the limit can fall again.
    for (let code = this.#codeLimit - 1; code > 0; code--) if (this.#lengths[code] === FREE) this.#freeCodes.push(code)
  }

  #growArena(needed: number): void {
    const arena = new Uint8Array(2 * (this.#arena.length + needed))
    arena.set(this.#arena.subarray(0, this.#arenaUsed))
    this.#arena = arena
  }

  #compactArena(): void {
    let used = 0
    for (let code = 0; code < this.#codeLimit; code++) used += Math.max(0, this.#lengths[code] as number)
    const arena = new Uint8Array(Math.max(1024, used * 2))
    let at = 0
    for (let code = 0; code < this.#codeLimit; code++) {
      const length = this.#lengths[code] as number
      if (length === FREE) continue
      const from = this.#starts[code] as number
      arena.set(this.#arena.subarray(from, from + length), at)
      this.#starts[code] = at
      at += length
    }
    this.#arena = arena
    this.#arenaUsed = at
  }

  #rebuildSlots(slotCount: number): void {
    const slots = new Int32Array(slotCount)
    const mask = slotCount - 1
    for (let code = 0; code < this.#codeLimit; code++) {
      if (this.#lengths[code] === FREE) continue
      let slot = (this.#hashes[code] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = code + 1
    }
    this.#slots = slots
  }
}

function slotsFor(size: number): number {
  let slots = INITIAL_SLOTS
  while (slots < size * 2) slots *= 2
  return slots
}

function grown(column: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(column.length * 2)
  wider.set(column)
  return wider
}

/** Where the cache keeps a short text. No secret is needed: at worst the cache does not help. */
function shortEntry(first: number, second: number, third: number): number {
  const mixed = Math.imul(first ^ (second >>> 11) ^ third, 0x9e3779b1) ^ Math.imul(second ^ (third << 5), 0x85ebca6b)
  return ((mixed ^ (mixed >>> 15)) & (SHORT_ENTRIES - 1)) << 2
}
