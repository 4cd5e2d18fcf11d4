/**
 * Snapshots of a running engine: each adds what is new since the last, the first one everything. And now and then some
 * of what is old is carried into the newest, so that the oldest payloads are no longer needed.
 *
 * S1  The payloads from `since` to the last, applied in order, give the state at the last.
 * S2  What a payload adds follows what happened since the last one: rows, changes, changed cells; never the state. What
 *     is carried follows it too: rounds begin when a chain is long for the state it holds, and each step of a round
 *     carries a bounded multiple of what is new, and about `MAX_STEP_BYTES` at most, or as much as is new.
 * S3  A round that began at epoch N carries all that was there by then; what came or changed since is in the payloads
 *     since N anyway. So at its end the chain begins at N.
 * S4  Bytes are copies: nothing of a payload changes when the engine goes on.
 * S5  Equal states after equal calls give equal bytes.
 * S6  Rows may be saved ahead of their snapshot, as they never change; so many at most as to bound memory. What changes
 *     of them until then is saved after them, and overrides. So the moment of a snapshot does not grow with what is
 *     new.
 */
import type { Granule } from '../state/granule.ts'
import { allCells, cellBytes, differences, newCells } from './cells.ts'
import { keyTables, scalars, type EngineParts } from './engine-parts.ts'
import {
  allClickRows,
  allImpressionRows,
  CLICK_ROW_BYTES,
  IMPRESSION_ROW_BYTES,
  newClickRows,
  newImpressionRows,
} from './granule-rows.ts'
import { headerBytes } from './payload.ts'
import { allLedgerCells, allTexts, allTuples, newLedgerCells, newTexts, newTuples } from './tables.ts'

/** When old state is carried, and how much at a time. */
export interface CarryPolicy {
  /** A round begins when the chain is larger than twice the live state and this, bytes. */
  readonly slackBytes: number
  /** Or when it has so many payloads. */
  readonly maxPayloads: number
  /** The least that a step of a round carries, bytes. */
  readonly stepBytes: number
  /** So many new rows of a granule are saved ahead together; 8,192 unless given. */
  readonly aheadRows?: number
}

export const CARRY_POLICY: CarryPolicy = { slackBytes: 1 << 20, maxPayloads: 2_048, stepBytes: 1 << 16 }

/** About the most that a step of a round carries where less is new, bytes. */
export const MAX_STEP_BYTES: number = 1 << 25

// A step carries this many times what is new.
const CARRY_SHARE = 2

const AHEAD_ROWS = 8_192
/** Events come about in the order of their time: of all granules the last few have nearly all that is new. */
const AHEAD_GRANULES = 8
/** What is saved ahead of one snapshot, bytes: there may be none for a long time. */
const MAX_AHEAD_BYTES = 1 << 24

/** One payload, in parts to be written one after another. */
export interface Snapshot {
  readonly epoch: number
  /** The first epoch whose payload is needed to restore this one: older ones may be deleted once this one counts. */
  readonly since: number
  readonly parts: readonly Uint8Array[]
}

/** A walk over all of the state at its beginning, in steps. */
interface Round {
  readonly epoch: number
  readonly sections: Generator<Uint8Array>
  /** Bytes of the payloads since its epoch. */
  chainBytes: number
  credit: number
}

/** Makes the snapshots of one engine. */
export class SnapshotSeries {
  readonly #parts: EngineParts
  readonly #policy: CarryPolicy
  #epoch: number
  #since: number
  #chainBytes: number
  #round: Round | undefined
  /** Rows of the next snapshot. */
  #ahead: Uint8Array[] = []
  #aheadBytes = 0

  /**
   * @param chain what the engine was restored from; without it, its first snapshot saves everything
   */
  constructor(
    parts: EngineParts,
    policy: CarryPolicy,
    chain?: { readonly epoch: number; readonly since: number; readonly byteLength: number },
  ) {
    this.#parts = parts
    this.#policy = policy
    this.#epoch = chain?.epoch ?? NaN
    this.#since = chain?.since ?? NaN
    this.#chainBytes = chain?.byteLength ?? 0
  }

  /** Saves rows of the next snapshot ahead of it (S6), where there are many; costs nothing where not. */
  saveAhead(): void {
    const { impressions, clicks, attribute } = this.#parts
    for (const granule of impressions.granules.list.slice(-AHEAD_GRANULES))
      if (this.#isWorthSaving(granule)) this.#addAhead(newImpressionRows(granule))
    for (const granule of clicks.granules.list.slice(-AHEAD_GRANULES))
      if (this.#isWorthSaving(granule))
        this.#addAhead(newClickRows(granule, (row) => attribute.isClaimable(granule, row)))
  }

  #isWorthSaving({ count, savedRows }: Granule): boolean {
    return count - savedRows >= (this.#policy.aheadRows ?? AHEAD_ROWS) && this.#aheadBytes < MAX_AHEAD_BYTES
  }

  #addAhead(section: Uint8Array | undefined): void {
    if (section === undefined) return
    this.#ahead.push(section)
    this.#aheadBytes += section.length
  }

  /**
   * Saves what is new.
   *
   * @param epoch one more than that of the last snapshot; the first may be any
   * @param extra sections of whoever surrounds the engine
   */
  take(epoch: number, extra: readonly Uint8Array[] = []): Snapshot {
    if (Number.isNaN(this.#since)) this.#since = epoch
    else if (epoch !== this.#epoch + 1) throw new RangeError(`epoch ${epoch} does not follow ${this.#epoch}`)
    this.#epoch = epoch
    const sections = [...this.#ahead, ...newSections(this.#parts)]
    this.#ahead = []
    this.#aheadBytes = 0
    sections.push(...this.#carry(byteLengthOf(sections)), ...momentarySections(this.#parts), ...extra)
    const written = byteLengthOf(sections)
    this.#chainBytes += written
    if (this.#round !== undefined) this.#round.chainBytes += written
    const header = headerBytes({ epoch, since: this.#since })
    return { epoch, since: this.#since, parts: [header, ...sections] }
  }

  #carry(newBytes: number): Uint8Array[] {
    const { slackBytes, maxPayloads, stepBytes } = this.#policy
    const liveBytes = liveBytesOf(this.#parts)
    const payloads = this.#epoch - this.#since
    if (this.#round === undefined && (this.#chainBytes > 2 * liveBytes + slackBytes || payloads >= maxPayloads))
      this.#round = { epoch: this.#epoch, sections: carriedSections(this.#parts), chainBytes: 0, credit: 0 }
    const round = this.#round
    if (round === undefined) return []
    const carried: Uint8Array[] = []
    const share = Math.max(CARRY_SHARE * newBytes, stepBytes, (2 * liveBytes) / maxPayloads)
    // At least as much as is new: else a chain outgrows its round where epochs are long.
    round.credit += Math.min(share, Math.max(MAX_STEP_BYTES, newBytes))
    while (round.credit > 0) {
      const next = round.sections.next()
      if (next.done === true) {
        this.#since = round.epoch
        this.#chainBytes = round.chainBytes
        this.#round = undefined
        break
      }
      carried.push(next.value)
      round.credit -= next.value.length
    }
    return carried
  }
}

function* newSections(parts: EngineParts): Generator<Uint8Array> {
  const { impressions, clicks, finalise, attribute, ledger, dictionaries } = parts
  yield* given(dictionaries.map((texts, index) => newTexts(index, texts)))
  yield* given(keyTables(parts).map((table, index) => newTuples(index, table)))
  yield* given([newLedgerCells(ledger)])
  for (const [index, { windows }] of finalise.rollUps.entries())
    yield* given(windows.sorted().map((block) => newCells(index, block)))
  yield* given(impressions.granules.list.map((granule) => newImpressionRows(granule)))
  for (const granule of clicks.granules.list)
    yield* given([newClickRows(granule, (row) => attribute.isClaimable(granule, row))])
}

/** All that is there now and still there when its turn comes; what will be the first to go comes last. */
function* carriedSections(parts: EngineParts): Generator<Uint8Array> {
  const { impressions, clicks, finalise, attribute, ledger, dictionaries } = parts
  const [impressionKeys, clickKeys] = [impressions, clicks].map(
    ({ granules }) => new Map(granules.list.map((granule) => [granule, granule.key] as const)),
  )
  const blocks = finalise.rollUps.map(({ windows }) => windows.sorted())
  for (const [index, texts] of dictionaries.entries()) yield* allTexts(index, texts)
  for (const [index, table] of keyTables(parts).entries()) yield* allTuples(index, table)
  yield* allLedgerCells(ledger)
  for (const [index, ofRollUp] of blocks.entries())
    for (const block of ofRollUp) if (block.startMs >= finalise.takenBeforeMs) yield allCells(index, block)
  for (const granule of clicks.granules.list.toReversed())
    if (clickKeys?.get(granule) === granule.key)
      yield allClickRows(granule, (row) => attribute.isClaimable(granule, row))
  for (const granule of impressions.granules.list.toReversed())
    if (impressionKeys?.get(granule) === granule.key) yield allImpressionRows(granule)
}

function* momentarySections(parts: EngineParts): Generator<Uint8Array> {
  const { rollUp } = parts
  yield scalars(parts)
  for (const [axis, windows] of [rollUp.byImpression, rollUp.byClick].entries())
    for (const block of windows.sorted()) yield differences(axis, block)
}

// Roughly what saving everything would take.
function liveBytesOf({ impressions, clicks, finalise, ledger, dictionaries, rollUp }: EngineParts): number {
  let bytes = impressions.granules.rows * IMPRESSION_ROW_BYTES + clicks.granules.rows * CLICK_ROW_BYTES
  for (const { windows, keys } of finalise.rollUps) {
    bytes += keys.size * 16
    for (const block of windows.sorted()) bytes += block.end * cellBytes(block.sumLow.length)
  }
  for (const { codeLimit } of dictionaries) bytes += codeLimit * 24
  return bytes + ledger.size * 16 + rollUp.combinations.size * 16
}

function given(sections: readonly (Uint8Array | undefined)[]): Uint8Array[] {
  return sections.filter((section) => section !== undefined)
}

function byteLengthOf(sections: readonly Uint8Array[]): number {
  return sections.reduce((bytes, section) => bytes + section.length, 0)
}
