/**
 * The cells of one roll-up by member and window, for as many windows as the page looks back.
 *
 * S1  A value is the last one told for its cell: values are absolute, so telling one twice changes nothing.
 * S2  At most `memberLimit` members are kept. When one more appears, the quarter that counted least gives way.
 * S3  A member that came after others gave way may be one of them: until all of that has left the memory, its sums are
 *     lower bounds, and it says so.
 * S4  Windows older than the memory are gone; a member without anything left goes with them.
 * S5  Windows ahead of the memory wait until it has reached them: `HELD_CELLS` cells at most. Where more came, the sums
 *     of that window are lower bounds until its cells are told again.
 */
import { type Amounts, HeldCells } from './held-cells.ts'

/** Cells ahead of the memory that are kept. Hardly any are, unless clocks are wrong by more than minutes. */
const HELD_CELLS = 5_000

/** Members and windows of one roll-up. Windows are numbered: start divided by size. */
export class SeriesStore {
  readonly #sumCount: number
  readonly #windowCount: number
  readonly #memberLimit: number
  readonly #members = new Map<string, Member>()
  readonly #ahead = new HeldCells(HELD_CELLS)
  #newest = -Infinity
  #lostAt = -Infinity
  #version = 0

  constructor(shape: { sumCount: number; windowCount: number; memberLimit: number }) {
    this.#sumCount = shape.sumCount
    this.#windowCount = shape.windowCount
    this.#memberLimit = shape.memberLimit
  }

  /** Changes whenever a member comes or goes. */
  get version(): number {
    return this.#version
  }

  get memberCount(): number {
    return this.#members.size
  }

  /** Whether members gave way within the memory (S3). */
  get isCapped(): boolean {
    return this.#lostAt > this.#newest - this.#windowCount
  }

  names(): IterableIterator<string> {
    return this.#members.keys()
  }

  /** Makes `newest` the last window of the memory, if it is later than the one before. */
  advance(newest: number): void {
    if (newest <= this.#newest) return
    const first = Math.max(this.#newest + 1, newest - this.#windowCount + 1)
    this.#newest = newest
    for (const [name, member] of this.#members) {
      for (let window = first; window <= newest; window++) member.clear(window % this.#windowCount)
      if (member.weight === 0) this.#drop(name)
    }
    for (const { name, window, amounts } of this.#ahead.takeUpTo(newest)) this.set(name, window, amounts)
    this.#lose(this.#ahead.lostUpTo(newest))
  }

  /** Sets one cell. Windows before the memory are ignored, those after it wait for `advance`. */
  set(name: string, window: number, amounts: Amounts): void {
    if (window > this.#newest) return this.#ahead.hold(name, window, amounts)
    if (window <= this.#newest - this.#windowCount) return
    let member = this.#members.get(name)
    if (member === undefined) {
      if (isNothing(amounts)) return
      member = this.#admit(name)
    }
    member.set(window % this.#windowCount, amounts)
  }

  /** Sums of a member over the windows from `first` up to, but not including, `end`. */
  sum(name: string, first: number, end: number): Amounts {
    const total = this.#nothing()
    const member = this.#members.get(name)
    if (member === undefined) return total
    const to = this.#clampEnd(end)
    for (let window = this.#clampFirst(first); window < to; window++) member.addTo(total, window % this.#windowCount)
    return total
  }

  /** Impressions of a member over the same windows, for ranking: no other quantity is touched. */
  impressions(name: string, first: number, end: number): number {
    const member = this.#members.get(name)
    let total = 0
    const to = this.#clampEnd(end)
    for (let window = this.#clampFirst(first); window < to; window++) {
      total += member?.impressionsAt(window % this.#windowCount) ?? 0
    }
    return total
  }

  /** Whether the sums of a member from window `first` on are only lower bounds. */
  isAtLeast(name: string, first: number): boolean {
    return (this.#members.get(name)?.exactFrom ?? -Infinity) > first
  }

  #clampFirst(first: number): number {
    return Math.max(first, this.#newest - this.#windowCount + 1)
  }

  #clampEnd(end: number): number {
    return Math.min(end, this.#newest + 1)
  }

  #admit(name: string): Member {
    if (this.#members.size >= this.#memberLimit) this.#makeRoom()
    const exactFrom = this.isCapped ? this.#newest + 1 : -Infinity
    const member = new Member(this.#windowCount, this.#sumCount, exactFrom)
    this.#members.set(name, member)
    this.#version++
    return member
  }

  #makeRoom(): void {
    const byWeight = [...this.#members].toSorted(([, a], [, b]) => a.weight - b.weight)
    for (const [name] of byWeight.slice(0, Math.ceil(this.#memberLimit / 4))) this.#drop(name)
    this.#lostAt = this.#newest
  }

  /** Notes that cells of `window` and of windows before it may be missing (S5). */
  #lose(window: number): void {
    if (window <= this.#newest - this.#windowCount) return
    this.#lostAt = Math.max(this.#lostAt, window)
    for (const member of this.#members.values()) member.exactFrom = Math.max(member.exactFrom, window + 1)
  }

  #drop(name: string): void {
    this.#members.delete(name)
    this.#version++
  }

  #nothing(): (number | bigint)[] {
    return [0, 0, ...Array.from({ length: this.#sumCount }, () => 0n)]
  }
}

function isNothing(amounts: Amounts): boolean {
  return amounts.every((amount) => Number(amount) === 0)
}

/** One member: a ring of windows. */
class Member {
  /** Windows from here on hold everything told of them. */
  exactFrom: number
  /** Impressions and clicks over the whole memory. */
  weight = 0
  readonly #impressions: Float64Array
  readonly #clicks: Float64Array
  readonly #sums: readonly BigInt64Array[]

  constructor(windowCount: number, sumCount: number, exactFrom: number) {
    this.exactFrom = exactFrom
    this.#impressions = new Float64Array(windowCount)
    this.#clicks = new Float64Array(windowCount)
    this.#sums = Array.from({ length: sumCount }, () => new BigInt64Array(windowCount))
  }

  set(slot: number, amounts: Amounts): void {
    const impressions = Number(amounts[0] ?? 0)
    const clicks = Number(amounts[1] ?? 0)
    this.weight += impressions + clicks - this.weightAt(slot)
    this.#impressions[slot] = impressions
    this.#clicks[slot] = clicks
    this.#sums.forEach((sums, index) => {
      sums[slot] = BigInt(amounts[index + 2] ?? 0n)
    })
  }

  impressionsAt(slot: number): number {
    return this.#impressions[slot] ?? 0
  }

  weightAt(slot: number): number {
    return (this.#impressions[slot] ?? 0) + (this.#clicks[slot] ?? 0)
  }

  clear(slot: number): void {
    this.weight -= this.weightAt(slot)
    this.#impressions[slot] = 0
    this.#clicks[slot] = 0
    for (const sums of this.#sums) sums[slot] = 0n
  }

  addTo(total: (number | bigint)[], slot: number): void {
    total[0] = Number(total[0]) + (this.#impressions[slot] ?? 0)
    total[1] = Number(total[1]) + (this.#clicks[slot] ?? 0)
    this.#sums.forEach((sums, index) => {
      const before = total[index + 2]
      total[index + 2] = (typeof before === 'bigint' ? before : 0n) + (sums[slot] ?? 0n)
    })
  }
}
