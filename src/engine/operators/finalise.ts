/**
 * Finalisation: turns differences into the absolute cells of each roll-up, hands out what changed, and lets go of
 * windows that are final.
 *
 * A window is final when W ≥ window_end + `finalAfterMs` (`plan.ts`).
 *
 * N1  What is handed out is the whole value of a cell; a cell that became empty is handed out once as removed.
 * N2  Once a window is final, all of its cells are handed out as final, once, in one change set, and forgotten.
 * N3  Final windows of one roll-up are handed out in ascending order over the whole run.
 * N4  The cells of a roll-up are the sums of the differences: it never sees an event.
 */
import type { CellChanges } from '../../pipeline/cells.ts'
import type { RollUp } from '../../pipeline/plan.ts'
import { orderRows } from '../../pipeline/row-order.ts'
import type { CellBlock } from '../state/cell-block.ts'
import { KeyTable } from '../state/key-table.ts'
import { Windows } from '../state/windows.ts'
import type { RollUpState } from './roll-up.ts'

/** How codes of one dimension are written out. */
export interface Texts {
  textOf(code: number): string
}

const FIRST_ROW = Int32Array.of(0)
// A window with fewer cells than this share of all keys is not worth a walk over all of them.
const SPARSE_SHARE = 4

/** One roll-up: its own keys and the absolute values of its live cells. */
export class LiveRollUp {
  readonly name: string
  readonly axis: RollUp['axis']
  /** Indexes of its dimensions among those of the plan. */
  readonly dimensions: readonly number[]
  readonly keys: KeyTable
  readonly windows: Windows
  /** Key of each combination, −1 where not yet known. */
  keyOf: Int32Array = new Int32Array(0)
  /** All keys by the texts of their dimensions, as of a version of the table. */
  #order: Int32Array = new Int32Array(0)
  #orderVersion = -1

  constructor(rollUp: RollUp, dimensionNames: readonly string[], sumCount: number) {
    this.name = rollUp.name
    this.axis = rollUp.axis
    this.dimensions = rollUp.dimensions.map((name) => dimensionNames.indexOf(name))
    this.keys = new KeyTable(this.dimensions.length)
    this.windows = new Windows(sumCount)
  }

  /** The key of a combination of all dimensions. */
  keyFor(combination: number, combinations: KeyTable): number {
    if (combination >= this.keyOf.length) this.#growKeyOf(combinations.capacity)
    const known = this.keyOf[combination] as number
    if (known >= 0) return known
    const base = combination * combinations.width
    const codes = this.dimensions.map((dimension) => combinations.codes[base + dimension] as number)
    const columns = codes.map((code) => Int32Array.of(code))
    this.keys.locate(columns, FIRST_ROW, 1)
    const key = this.keys.numberAt(columns, 0, 0)
    this.keyOf[combination] = key
    return key
  }

  /** Cells of a final window that are to be handed out: by the texts of their keys where the window holds most keys. */
  *cellsInOrder(block: CellBlock, texts: readonly Texts[]): Iterable<number> {
    if (block.countUsed() * SPARSE_SHARE < this.keys.size) {
      for (let cell = 0; cell < block.end; cell++) if (block.isUsed(cell)) yield cell
      return
    }
    for (const key of this.#keysInOrder(texts)) {
      const cell = block.find(key)
      if (cell >= 0 && block.isUsed(cell)) yield cell
    }
  }

  #keysInOrder(texts: readonly Texts[]): Int32Array {
    if (this.#orderVersion === this.keys.version) return this.#order
    const numbers: number[] = []
    this.keys.forEach((key) => numbers.push(key))
    const { codes, width } = this.keys
    const columns = this.dimensions.map((dimension, d) => ({
      textOf: (i: number) => (texts[dimension] as Texts).textOf(codes[(numbers[i] as number) * width + d] as number),
    }))
    this.#order = orderRows(numbers.length, columns).map((i) => numbers[i] as number)
    this.#orderVersion = this.keys.version
    return this.#order
  }

  /** Forgets keys that no live cell uses. */
  sweep(): void {
    const used = new Set<number>()
    for (const block of this.windows.sorted())
      for (let cell = 0; cell < block.end; cell++) if (block.isUsed(cell)) used.add(block.keyOf(cell))
    this.keyOf.fill(-1)
    this.keys.retain((key) => used.has(key))
  }

  #growKeyOf(capacity: number): void {
    const larger = new Int32Array(capacity).fill(-1)
    larger.set(this.keyOf)
    this.keyOf = larger
  }
}

export class Finalise {
  readonly #state: RollUpState
  readonly rollUps: readonly LiveRollUp[]
  /** Windows that start before this were handed out as final. */
  takenBeforeMs: number = -Infinity
  readonly #texts: readonly Texts[]
  readonly #sumCount: number

  constructor(options: {
    state: RollUpState
    rollUps: readonly RollUp[]
    dimensionNames: readonly string[]
    texts: readonly Texts[]
    sumCount: number
  }) {
    this.#state = options.state
    this.#texts = options.texts
    this.#sumCount = options.sumCount
    this.rollUps = options.rollUps.map((rollUp) => new LiveRollUp(rollUp, options.dimensionNames, options.sumCount))
  }

  /**
   * Hands out changed cells.
   *
   * @param finalBeforeMs windows that start before this are final (N2)
   * @param onlyFinal leaves windows that are not final alone: what a bounded replay asks for
   */
  run(finalBeforeMs: number, onlyFinal: boolean): CellChanges[] {
    this.takenBeforeMs = Math.max(this.takenBeforeMs, finalBeforeMs)
    const untilMs = onlyFinal ? finalBeforeMs : Infinity
    const { byImpression, byClick } = this.#state
    const impressionBlocks = byImpression.take(untilMs)
    const clickBlocks = byClick.take(untilMs)
    this.#takeOver(impressionBlocks, 'impression')
    this.#takeOver(clickBlocks, 'click')
    // Only a replay takes whole windows one after another; a live run would keep room for windows long past.
    if (onlyFinal) {
      for (const block of impressionBlocks) byImpression.release(block)
      for (const block of clickBlocks) byClick.release(block)
    }
    return this.rollUps.map((rollUp) => this.#handOut(rollUp, finalBeforeMs, onlyFinal))
  }

  /** Start of the earliest window that was not handed out as final, or +Infinity. */
  get earliestMs(): number {
    const { byImpression, byClick } = this.#state
    return Math.min(
      byImpression.earliestMs,
      byClick.earliestMs,
      ...this.rollUps.map((rollUp) => rollUp.windows.earliestMs),
    )
  }

  /** Cells held, those waiting to be taken over included. */
  get cellCount(): number {
    const all = [this.#state.byImpression, this.#state.byClick, ...this.rollUps.map((rollUp) => rollUp.windows)]
    return all.reduce(
      (sum, windows) => sum + windows.sorted().reduce((cells, block) => cells + block.countUsed(), 0),
      0,
    )
  }

  /** Forgets unused keys and calls `use` with every dictionary code that is still needed. */
  sweep(use: (dimension: number, code: number) => void): void {
    for (const rollUp of this.rollUps) {
      rollUp.sweep()
      rollUp.keys.forEach((key) => {
        const base = key * rollUp.keys.width
        rollUp.dimensions.forEach((dimension, d) => use(dimension, rollUp.keys.codes[base + d] as number))
      })
    }
  }

  #takeOver(differences: readonly CellBlock[], axis: RollUp['axis']): void {
    for (const rollUp of this.rollUps) {
      if (rollUp.axis !== axis) continue
      for (const block of differences) {
        const target = rollUp.windows.at(block.startMs)
        for (let cell = 0; cell < block.end; cell++) {
          if (block.isEmpty(cell)) continue
          const key = rollUp.keyFor(block.keyOf(cell), this.#state.combinations)
          target.addCell(target.touch(key), block, cell)
        }
      }
    }
  }

  #handOut(rollUp: LiveRollUp, finalBeforeMs: number, onlyFinal: boolean): CellChanges {
    const rows = new ChangeRows()
    const taken = rollUp.windows.take(finalBeforeMs)
    for (const block of taken) for (const cell of rollUp.cellsInOrder(block, this.#texts)) rows.add(block, cell, true)
    if (!onlyFinal)
      for (const block of rollUp.windows.sorted()) {
        for (let i = 0; i < block.changedCount; i++) rows.add(block, block.changed[i] as number, false)
        block.clearChanged()
      }
    const changes = rows.toChanges(rollUp, this.#texts, this.#sumCount)
    if (onlyFinal) for (const block of taken) rollUp.windows.release(block)
    return changes
  }
}

/** Collects cells of one roll-up, then writes them out column by column. */
class ChangeRows {
  readonly #blocks: CellBlock[] = []
  readonly #cells: number[] = []
  readonly #isFinal: boolean[] = []

  add(block: CellBlock, cell: number, isFinal: boolean): void {
    this.#blocks.push(block)
    this.#cells.push(cell)
    this.#isFinal.push(isFinal)
  }

  toChanges({ name, keys, dimensions }: LiveRollUp, texts: readonly Texts[], sumCount: number): CellChanges {
    return {
      rollUp: name,
      count: this.#cells.length,
      windowStartMs: this.#column((block) => block.startMs),
      dimensions: dimensions.map((dimension, d) => {
        const dictionary = texts[dimension] as Texts
        return this.#column((block, cell) =>
          dictionary.textOf(keys.codes[block.keyOf(cell) * keys.width + d] as number),
        )
      }),
      impressions: this.#column((block, cell) => block.impressions[cell] as number),
      clicks: this.#column((block, cell) => block.clicks[cell] as number),
      sumsMicros: Array.from({ length: sumCount }, (_, sum) =>
        this.#column((block, cell) => block.sumMicros(cell, sum)),
      ),
      isFinal: this.#isFinal,
      removed: this.#column((block, cell) => block.isEmpty(cell)),
    }
  }

  #column<T>(read: (block: CellBlock, cell: number) => T): T[] {
    const column = new Array<T>(this.#cells.length)
    for (let row = 0; row < column.length; row++)
      column[row] = read(this.#blocks[row] as CellBlock, this.#cells[row] as number)
    return column
  }
}
