/**
 * Which layouts to try, and when to learn a new one.
 *
 * Y1  Layouts only ever speed things up: with or without any of them the rows are the same.
 * Y2  Where prediction keeps failing it costs little: it is tried seldom, and learning grows ever rarer until a learned
 *     layout proves itself.
 */
import type { EventBatch } from '../event-batch.ts'
import type { Dictionary } from './dictionary.ts'
import type { RecordParser } from './json-record.ts'
import { isSameShape, learnShape } from './layout-shape.ts'
import type { KnownField } from './record-fields.ts'
import { NO_MATCH, RecordLayout } from './record-layout.ts'

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
  /** The one that matched last comes first. */
  readonly #layouts: RecordLayout[] = []
  #failuresInRow = 0
  #learnInterval = 1
  #failuresUntilLearning = 1

  constructor(fields: readonly KnownField[], parser: RecordParser, dictionaries: readonly Dictionary[]) {
    this.#fields = fields
    this.#parser = parser
    this.#dictionaries = dictionaries
  }

  /** As {@link RecordLayout.decode}, by whichever layout fits. */
  decode(view: DataView, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): number {
    if (this.#failuresInRow > PATIENCE && this.#failuresInRow % RETRY_EVERY !== 0) return this.#fail()
    const layouts = this.#layouts
    for (let i = 0; i < layouts.length; i++) {
      const layout = layouts[i] as RecordLayout
      const after = layout.decode(view, bytes, start, end, batch, row)
      if (after < 0) continue
      this.#failuresInRow = 0
      if (i > 0) this.#moveToFront(i, layout)
      if (!layout.hasMatched) this.#welcome(layout)
      return after
    }
    return this.#fail()
  }

  /** Learns, now and then, from the sound record [start, end), which the parser has just parsed. */
  learn(bytes: Uint8Array, start: number, end: number, batch: EventBatch): void {
    if (--this.#failuresUntilLearning > 0) return
    this.#learnInterval = Math.min(this.#learnInterval * 2, MAX_LEARN_INTERVAL)
    this.#failuresUntilLearning = this.#learnInterval
    const shape = learnShape(this.#parser.scanner, this.#fields, bytes, start, end, batch)
    if (shape === undefined || this.#layouts.some((layout) => isSameShape(layout.shape, shape))) return
    if (this.#layouts.length === MAX_LAYOUTS) this.#layouts.pop()
    this.#layouts.unshift(new RecordLayout(shape, this.#parser, this.#dictionaries))
  }

  #fail(): number {
    this.#failuresInRow++
    return NO_MATCH
  }

  #moveToFront(index: number, layout: RecordLayout): void {
    for (let i = index; i > 0; i--) this.#layouts[i] = this.#layouts[i - 1] as RecordLayout
    this.#layouts[0] = layout
  }

  #welcome(layout: RecordLayout): void {
    layout.hasMatched = true
    this.#learnInterval = 1
    this.#failuresUntilLearning = 1
  }
}
