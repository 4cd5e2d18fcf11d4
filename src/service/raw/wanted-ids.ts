/**
 * Ids that a question is about, looked up for every event of a scan.
 */
import { idKeyOf, idNumberOf } from './tail-reader.ts'

export class WantedIds {
  /** By key. */
  readonly #texts = new Map<string, string>()
  // Most events are none of them: a number tells that without a text being made.
  readonly #numbers = new Set<number>()

  get size(): number {
    return this.#texts.size
  }

  add(lanes: Int32Array, row: number, id: string): void {
    this.#texts.set(idKeyOf(lanes, row), id)
    this.#numbers.add(idNumberOf(lanes, row))
  }

  has(lanes: Int32Array, row: number): boolean {
    return this.#numbers.has(idNumberOf(lanes, row)) && this.#texts.has(idKeyOf(lanes, row))
  }

  /** In the order in which they were added. */
  ids(): Iterable<string> {
    return this.#texts.values()
  }
}
