/**
 * Which predictions to try, and when to learn a new one.
 *
 * Y1  Predictions only ever speed things up: with or without any of them the rows are the same.
 * Y2  Where prediction keeps failing it costs little: it is tried seldom, and learning grows ever rarer until a learned
 *     layout proves itself.
 */
import type { EventBatch } from '../event-batch.ts'
import type { Programs } from './compiled/programs.ts'
import type { Dictionary } from './dictionary.ts'
import type { RecordParser } from './json-record.ts'
import { learnSegments } from './learn-segments.ts'
import { MemberTable } from './member-table.ts'
import type { KnownField } from './record-fields.ts'
import { RecordLayout } from './record-layout.ts'
import { NO_MATCH, ValueReader } from './value-reader.ts'

/** Layouts kept for one stream: producers of several makes, fields that are there or not. */
const MAX_LAYOUTS = 8
/** After so many failures in a row only one record in {@link RETRY_EVERY} is tried. */
const PATIENCE = 64
const RETRY_EVERY = 16
const MAX_LEARN_INTERVAL = 1024

export class LayoutPredictor {
  readonly #fields: readonly KnownField[]
  readonly #parser: RecordParser
  readonly #dictionaries: readonly Dictionary[]
  readonly #reader: ValueReader
  readonly #programs: Programs
  readonly #members: MemberTable
  /** The one that matched last comes first. */
  readonly #layouts: RecordLayout[] = []
  /** Records in a row that no layout fitted, and that no prediction did. */
  #layoutFailures = 0
  #failures = 0
  #learnInterval = 1
  /** Records no layout fits until the next one of them is learned from. */
  #untilLearning = 1

  constructor(
    fields: readonly KnownField[],
    parser: RecordParser,
    dictionaries: readonly Dictionary[],
    programs: Programs,
  ) {
    this.#fields = fields
    this.#parser = parser
    this.#dictionaries = dictionaries
    this.#programs = programs
    this.#reader = new ValueReader(parser)
    this.#members = new MemberTable(fields, dictionaries, this.#reader)
  }

  /** As {@link RecordLayout.decode}, by whatever fits. */
  decode(view: DataView, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): number {
    if (isWorthTrying(this.#layoutFailures)) {
      const after = this.#decodeByLayout(view, bytes, start, end, batch, row)
      if (after >= 0) return after
    }
    this.#layoutFailures++
    if (--this.#untilLearning <= 0 || !isWorthTrying(this.#failures)) return this.#fail()
    const after = this.#members.decode(view, bytes, start, end, batch, row)
    if (after < 0) return this.#fail()
    this.#failures = 0
    this.#members.program.decodedWithout(1, this.#programs)
    return after
  }

  /**
   * As {@link RecordLayout.decodeRun}, by whatever fits many lines at once.
   *
   * @returns the start of the first line that nothing fits
   */
  decodeRun(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    batch: EventBatch,
    position: number,
  ): number {
    const row = batch.count
    const next = isWorthTrying(this.#layoutFailures)
      ? this.#runLayouts(view, bytes, start, end, batch, position)
      : start
    return this.#runMembers(bytes, next, end, batch, position + batch.count - row)
  }

  #runLayouts(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    batch: EventBatch,
    position: number,
  ): number {
    const layouts = this.#layouts
    const firstRow = batch.count
    let lineStart = start
    for (let i = 0; i < layouts.length; i++) {
      const layout = layouts[i] as RecordLayout
      const row = batch.count
      lineStart = this.#runLayout(layout, view, bytes, lineStart, end, batch, position + row - firstRow)
      if (batch.count === row) continue
      this.#layoutFailures = 0
      this.#failures = 0
      if (i > 0) this.#moveToFront(i, layout)
      if (!layout.hasMatched) this.#welcome(layout)
      i = 0
    }
    return lineStart
  }

  #runLayout(
    layout: RecordLayout,
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    batch: EventBatch,
    position: number,
  ): number {
    if (layout.program.program !== undefined)
      return this.#programs.run(layout.program, bytes, start, end, batch, position)
    const row = batch.count
    const next = layout.decodeRun(view, bytes, start, end, batch, position)
    if (batch.count > row) layout.program.decodedWithout(batch.count - row, this.#programs)
    return next
  }

  // One line is left to the parser whenever it is time to learn: a producer may have come whose keys keep their order.
  #runMembers(bytes: Uint8Array, start: number, end: number, batch: EventBatch, position: number): number {
    if (this.#untilLearning <= 0) return start
    const row = batch.count
    const next = this.#programs.run(this.#members.program, bytes, start, end, batch, position)
    if (batch.count === row) return start
    this.#untilLearning -= batch.count - row
    this.#failures = 0
    return next
  }

  /** Learns, now and then, from the sound record [start, end), which the parser has just parsed. */
  learn(bytes: Uint8Array, start: number, end: number, batch: EventBatch): void {
    if (this.#untilLearning > 0) return
    this.#learnInterval = Math.min(this.#learnInterval * 2, MAX_LEARN_INTERVAL)
    this.#untilLearning = this.#learnInterval
    this.#members.learn(this.#parser.scanner, bytes)
    const segments = learnSegments(this.#parser.scanner, this.#fields, this.#dictionaries, bytes, start, end)
    if (segments === undefined || this.#layouts.some((layout) => layout.hasSegments(segments))) return
    if (this.#layouts.length === MAX_LAYOUTS) this.#layouts.pop()
    this.#layouts.unshift(new RecordLayout(segments, this.#reader, batch))
  }

  #decodeByLayout(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    batch: EventBatch,
    row: number,
  ): number {
    const layouts = this.#layouts
    for (let i = 0; i < layouts.length; i++) {
      const layout = layouts[i] as RecordLayout
      const after = layout.decode(view, bytes, start, end, batch, row)
      if (after < 0) continue
      layout.program.decodedWithout(1, this.#programs)
      this.#layoutFailures = 0
      this.#failures = 0
      if (i > 0) this.#moveToFront(i, layout)
      if (!layout.hasMatched) this.#welcome(layout)
      return after
    }
    return NO_MATCH
  }

  #fail(): number {
    this.#failures++
    return NO_MATCH
  }

  #moveToFront(index: number, layout: RecordLayout): void {
    for (let i = index; i > 0; i--) this.#layouts[i] = this.#layouts[i - 1] as RecordLayout
    this.#layouts[0] = layout
  }

  #welcome(layout: RecordLayout): void {
    layout.hasMatched = true
    this.#learnInterval = 1
    this.#untilLearning = 1
  }
}

function isWorthTrying(failuresInRow: number): boolean {
  return failuresInRow < PATIENCE || failuresInRow % RETRY_EVERY === 0
}
