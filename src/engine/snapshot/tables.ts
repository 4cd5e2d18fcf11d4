/**
 * The tables that number things, and the ledger, as sections: entries by number, code or key.
 *
 * An entry without a tuple or text is one that was freed; another may have taken its number since.
 */
import type { Ledger } from '../ledger.ts'
import type { KeyTable } from '../state/key-table.ts'
import type { Unsaved } from '../state/unsaved.ts'
import { type ByteReader, damaged } from './bytes.ts'
import { beginSection, endSection, SECTION } from './payload.ts'

/** How many entries are carried at once. */
const RANGE = 4096

/** What a snapshot needs of a dictionary. */
export interface SavedTexts {
  /** Bytes of memory held in tables, roughly. */
  readonly byteSize: number
  /** Every code in use is below it. */
  readonly codeLimit: number
  readonly unsaved: Unsaved
  isUsed(code: number): boolean
  bytesOf(code: number): Uint8Array
  restore(code: number, text: Uint8Array | undefined): void
  rebuild(): void
}

/** Tuples that came or went since the last call, all at the first. */
export function newTuples(index: number, table: KeyTable): Uint8Array | undefined {
  const numbers = table.unsaved.isTracked ? table.unsaved.take() : (table.unsaved.take(), range(0, table.end))
  return numbers.length === 0 ? undefined : tuples(index, table, numbers)
}

/** All tuples, some at a time. */
export function* allTuples(index: number, table: KeyTable): Generator<Uint8Array> {
  for (let from = 0; from < table.end; from += RANGE)
    yield tuples(index, table, used(table, range(from, Math.min(table.end, from + RANGE))))
}

function tuples(index: number, table: KeyTable, numbers: Int32Array): Uint8Array {
  const { width } = table
  const writer = beginSection(SECTION.tuples, 12 + numbers.length * (5 + 4 * width))
  writer.u32(index)
  writer.u32(numbers.length)
  writer.u32(width)
  writer.bytes(entries(table, numbers))
  return endSection(writer)
}

// In one loop: a first snapshot has so many, before anything is compiled, that calls for single values would take most
// of its time.
function entries(table: KeyTable, numbers: Int32Array): Uint8Array {
  const { width, codes } = table
  const view = new DataView(new ArrayBuffer(numbers.length * (5 + 4 * width)))
  let at = 0
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] as number
    const isUsed = table.isUsed(number)
    view.setInt32(at, number, true)
    view.setUint8(at + 4, isUsed ? 1 : 0)
    at += 5
    if (!isUsed) continue
    for (let from = number * width; from < (number + 1) * width; from++, at += 4)
      view.setInt32(at, codes[from] as number, true)
  }
  return new Uint8Array(view.buffer, 0, at)
}

export function restoreTuples(body: ByteReader, tables: readonly KeyTable[]): void {
  const table = tables[body.u32()]
  const count = body.u32()
  if (table === undefined || body.u32() !== table.width) throw damaged('it numbers tuples of another plan')
  const codes = new Int32Array(table.width)
  for (let i = 0; i < count; i++) {
    const number = body.i32()
    const isUsed = body.u8() === 1
    if (isUsed) body.into(codes)
    table.restore(number, isUsed ? codes : undefined)
  }
}

/** Texts that came or went since the last call, all at the first. */
export function newTexts(index: number, texts: SavedTexts): Uint8Array | undefined {
  const codes = texts.unsaved.isTracked ? texts.unsaved.take() : (texts.unsaved.take(), range(0, texts.codeLimit))
  return codes.length === 0 ? undefined : textSection(index, texts, codes)
}

/** All texts, some at a time. */
export function* allTexts(index: number, texts: SavedTexts): Generator<Uint8Array> {
  for (let from = 0; from < texts.codeLimit; from += RANGE)
    yield textSection(index, texts, used(texts, range(from, Math.min(texts.codeLimit, from + RANGE))))
}

function textSection(index: number, texts: SavedTexts, codes: Int32Array): Uint8Array {
  const writer = beginSection(SECTION.texts, 8 + codes.length * 32)
  writer.u32(index)
  writer.u32(codes.length)
  for (const code of codes) {
    const bytes = texts.isUsed(code) ? texts.bytesOf(code) : undefined
    writer.i32(code)
    writer.i32(bytes?.length ?? -1)
    if (bytes !== undefined) writer.bytes(bytes)
  }
  return endSection(writer)
}

export function restoreTexts(body: ByteReader, dictionaries: readonly SavedTexts[]): void {
  const texts = dictionaries[body.u32()]
  if (texts === undefined) throw damaged('it holds texts of another plan')
  for (let count = body.u32(); count > 0; count--) {
    const code = body.i32()
    const length = body.i32()
    texts.restore(code, length < 0 ? undefined : body.bytes(length))
  }
}

/** Cells of the ledger that changed since the last call, all at the first. */
export function newLedgerCells(ledger: Ledger): Uint8Array | undefined {
  const keys = ledger.takeUnsaved()
  return keys.length === 0 ? undefined : ledgerCells(ledger, keys)
}

/** All cells of the ledger as of the first call, some at a time. */
export function* allLedgerCells(ledger: Ledger): Generator<Uint8Array> {
  const keys = ledger.keys().sort()
  for (let from = 0; from < keys.length; from += RANGE) yield ledgerCells(ledger, keys.subarray(from, from + RANGE))
}

function ledgerCells(ledger: Ledger, keys: Float64Array): Uint8Array {
  const writer = beginSection(SECTION.ledger, 4 + keys.length * 16)
  writer.u32(keys.length)
  writer.column(keys)
  for (const key of keys) writer.f64(ledger.eventsAt(key))
  return endSection(writer)
}

export function restoreLedgerCells(body: ByteReader, ledger: Ledger): void {
  const keys = new Float64Array(body.u32())
  body.into(keys)
  for (const key of keys) ledger.restore(key, body.f64())
}

function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i)
}

function used(table: { isUsed(number: number): boolean }, numbers: Int32Array): Int32Array {
  return numbers.filter((number) => table.isUsed(number))
}
