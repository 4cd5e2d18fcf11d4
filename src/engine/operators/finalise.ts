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
class LiveRollUp {
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
  cellsInOrder(block: CellBlock, texts: readonly Texts[]): Int32Array {
    const used = block.countUsed()
    const cells = new Int32Array(used)
    let count = 0
    if (used * SPARSE_SHARE < this.keys.size) {
      for (let cell = 0; cell < block.end; cell++) if (block.isUsed(cell)) cells[count++] = cell
      return cells
    }
    for (const key of this.#keysInOrder(texts)) {
      const cell = block.find(key)
      if (cell >= 0 && block.isUsed(cell)) cells[count++] = cell
    }
    return cells
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
    const taken = rollUp.windows.take(finalBeforeMs)
    const runs: CellRun[] = taken.map((block) => {
      return { block, cells: rollUp.cellsInOrder(block, this.#texts), isFinal: true }
    })
    const open = onlyFinal ? [] : rollUp.windows.sorted()
    for (const block of open) runs.push({ block, cells: block.changed.subarray(0, block.changedCount), isFinal: false })
    const changes = changesOf(rollUp, runs, this.#texts, this.#sumCount)
    for (const block of open) block.clearChanged()
    if (onlyFinal) for (const block of taken) rollUp.windows.release(block)
    return changes
  }
}

/** Cells of one window. */
interface CellRun {
  readonly block: CellBlock
  readonly cells: Int32Array
  readonly isFinal: boolean
}

/**
 * Writes cells of one roll-up out, column by column: a window's cells lie side by side, so each loop stays in one
 * array.
 */
function changesOf(
  rollUp: LiveRollUp,
  runs: readonly CellRun[],
  texts: readonly Texts[],
  sumCount: number,
): CellChanges {
  const count = runs.reduce((sum, { cells }) => sum + cells.length, 0)
  const column = <T>(write: (run: CellRun, into: T[], at: number) => void): T[] => {
    const values = new Array<T>(count)
    let at = 0
    for (const run of runs) {
      write(run, values, at)
      at += run.cells.length
    }
    return values
  }
  return {
    rollUp: rollUp.name,
    count,
    windowStartMs: column<number>((run, into, at) => into.fill(run.block.startMs, at, at + run.cells.length)),
    dimensions: rollUp.dimensions.map((dimension, d) => {
      const dictionary = texts[dimension] as Texts
      return column<string>((run, into, at) => writeTexts(run, rollUp.keys, d, dictionary, into, at))
    }),
    impressions: column<number>(({ block, cells }, into, at) => writeNumbers(block.impressions, cells, into, at)),
    clicks: column<number>(({ block, cells }, into, at) => writeNumbers(block.clicks, cells, into, at)),
    sumsMicros: Array.from({ length: sumCount }, (_, sum) =>
      column<bigint>((run, into, at) => writeSums(run, sum, into, at)),
    ),
    isFinal: column<boolean>((run, into, at) => into.fill(run.isFinal, at, at + run.cells.length)),
    removed: column<boolean>(writeRemoved),
  }
}

function writeTexts(
  { block, cells }: CellRun,
  { codes, width }: KeyTable,
  d: number,
  dictionary: Texts,
  into: string[],
  at: number,
): void {
  for (let i = 0; i < cells.length; i++)
    into[at + i] = dictionary.textOf(codes[block.keyOf(cells[i] as number) * width + d] as number)
}

function writeNumbers(values: Float64Array, cells: Int32Array, into: number[], at: number): void {
  for (let i = 0; i < cells.length; i++) into[at + i] = values[cells[i] as number] as number
}

function writeSums({ block, cells }: CellRun, sum: number, into: bigint[], at: number): void {
  for (let i = 0; i < cells.length; i++) into[at + i] = block.sumMicros(cells[i] as number, sum)
}

function writeRemoved({ block, cells }: CellRun, into: boolean[], at: number): void {
  for (let i = 0; i < cells.length; i++) into[at + i] = block.isEmpty(cells[i] as number)
}
