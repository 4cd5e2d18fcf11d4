/**
 * Instructions that read texts: strings that are skipped, dimensions, and UUIDs, 16 bytes at a time.
 */
import { UUID_LENGTH } from '../id-hash.ts'
import { MASKS, MAX_TEXT_BYTES, NEW_TEXT, REPORT, TEXT_ENTRIES, TEXT_ENTRY_BYTES } from './memory.ts'
import { LOCAL, RecordWriter, splat, writeStop } from './record-writer.ts'

/** Chunks of 16 bytes that a string may span which is only skipped. */
export const SKIPPED_CHUNKS = 16

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const HYPHEN = 0x2d
const ZERO = 0x30
const LETTER_A = 0x61

/** Writes instructions that read texts. Each leaves a closing quote where it is. */
export class TextWriter extends RecordWriter {
  /**
   * Leaves the 16 bytes at `at` in v, and in a the first of them that cannot stand in a plain string: 16 or more for
   * none.
   */
  #findEnd(): void {
    const body = this.body
    body.get(LOCAL.at)
    body.at('v128.load', 0)
    body.tee(LOCAL.v)
    body.v128(splat(QUOTE))
    body.op('i8x16.eq')
    body.get(LOCAL.v)
    body.v128(splat(BACKSLASH))
    body.op('i8x16.eq', 'v128.or')
    // As signed bytes, controls and what is not ASCII are both below the space.
    body.get(LOCAL.v)
    body.v128(splat(SPACE))
    body.op('i8x16.lt_s', 'v128.or', 'i8x16.bitmask')
    body.i32(0x10000)
    body.op('i32.or', 'i32.ctz')
    body.set(LOCAL.a)
  }

  protected skipString(): void {
    const body = this.body
    body.i32(SKIPPED_CHUNKS)
    body.set(LOCAL.b)
    body.loop((again) => {
      this.#findEnd()
      body.get(LOCAL.at)
      body.get(LOCAL.a)
      body.op('i32.add')
      body.set(LOCAL.at)
      body.get(LOCAL.a)
      body.i32(16)
      body.op('i32.eq')
      body.if(() => {
        body.get(LOCAL.b)
        body.i32(1)
        body.op('i32.sub')
        body.tee(LOCAL.b)
        body.jumpIf(again)
        body.jump(this.surprise)
      })
    })
  }

  /** Looks a text up by its bytes in 16, zeros after them; asks for it where it is not there. */
  protected dimension(target: number): void {
    const body = this.body
    const entries = this.addresses.texts[target] as number
    this.#findEnd()
    body.get(LOCAL.a)
    body.i32(MAX_TEXT_BYTES)
    body.op('i32.gt_u')
    this.surpriseIf()
    body.get(LOCAL.v)
    body.i32(MASKS + 16)
    body.get(LOCAL.a)
    body.op('i32.sub')
    body.at('v128.load', 0)
    body.op('v128.and')
    body.set(LOCAL.v)
    this.#hashText()
    body.block((found) => {
      body.loop((again) => {
        // b is the entry's offset from the first one.
        body.get(LOCAL.b)
        body.at('i32.load', entries + 16)
        body.op('i32.eqz')
        body.if(() => this.#askFor(target, entries))
        body.get(LOCAL.b)
        body.at('v128.load', entries)
        body.get(LOCAL.v)
        body.op('v128.xor', 'v128.any_true', 'i32.eqz')
        body.jumpIf(found)
        body.get(LOCAL.b)
        body.i32(TEXT_ENTRY_BYTES)
        body.op('i32.add')
        body.i32((TEXT_ENTRIES - 1) * TEXT_ENTRY_BYTES)
        body.op('i32.and')
        body.set(LOCAL.b)
        body.jump(again)
      })
    })
    this.rowAddress(2)
    body.get(LOCAL.b)
    body.at('i32.load', entries + 16)
    body.i32(1)
    body.op('i32.sub')
    body.at('i32.store', this.addresses.dimensions[target] as number)
    body.get(LOCAL.at)
    body.get(LOCAL.a)
    body.op('i32.add')
    body.set(LOCAL.at)
  }

  /** Sets b to where the search for the text in v starts. No secret is needed: at worst the entries do not help. */
  #hashText(): void {
    const body = this.body
    // The upper half is rotated into the lower one, so that both take part.
    body.get(LOCAL.v)
    body.get(LOCAL.v)
    body.get(LOCAL.v)
    body.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7])
    body.v128([0xb1, 0x79, 0x37, 0x9e, 0x2d, 0x63, 0x85, 0xeb, 0, 0, 0, 0, 0, 0, 0, 0])
    body.op('i64x2.mul', 'v128.xor', 'i64x2.extract_lane 0')
    body.i64(0x9e3779b97f4a7c15n)
    body.op('i64.mul')
    body.i64(BigInt(64 - Math.log2(TEXT_ENTRIES)))
    body.op('i64.shr_u', 'i32.wrap_i64')
    body.i32(Math.log2(TEXT_ENTRY_BYTES))
    body.op('i32.shl')
    body.set(LOCAL.b)
  }

  #askFor(target: number, entries: number): void {
    const body = this.body
    const report = (place: number, write: () => void): void => {
      body.i32(0)
      write()
      body.at('i32.store', place)
    }
    report(REPORT.dimension, () => body.i32(target))
    report(REPORT.textStart, () => body.get(LOCAL.at))
    report(REPORT.textLength, () => body.get(LOCAL.a))
    report(REPORT.entry, () => {
      body.get(LOCAL.b)
      body.i32(entries)
      body.op('i32.add')
    })
    writeStop(body, NEW_TEXT)
  }

  protected uuid(column: number): void {
    const body = this.body
    for (const hyphen of [8, 13, 18, 23]) {
      body.get(LOCAL.at)
      body.at('i32.load8_u', hyphen)
      body.i32(HYPHEN)
      body.op('i32.ne')
      this.surpriseIf()
    }
    body.get(LOCAL.at)
    body.at('v128.load', 16)
    body.set(LOCAL.u)
    body.get(LOCAL.at)
    body.at('v128.load', 0)
    body.get(LOCAL.u)
    body.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17])
    this.#hexPairs()
    body.set(LOCAL.w)
    body.get(LOCAL.u)
    body.get(LOCAL.at)
    body.at('v128.load', 20)
    body.shuffle([3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 28, 29, 30, 31])
    this.#hexPairs()
    body.set(LOCAL.u)
    this.rowAddress(4)
    body.get(LOCAL.w)
    body.get(LOCAL.u)
    body.op('i8x16.narrow_i16x8_u')
    // Lanes are numbers, the first digits highest.
    body.v128([])
    body.shuffle([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12])
    body.at('v128.store', column)
    this.move(UUID_LENGTH)
  }

  /** From 16 lower-case hexadecimal digits on the stack to eight values below 256, 16 bits each. */
  #hexPairs(): void {
    const body = this.body
    body.tee(LOCAL.v)
    body.v128(splat(ZERO))
    body.op('i8x16.sub')
    body.get(LOCAL.v)
    body.v128(splat(LETTER_A - 10))
    body.op('i8x16.sub')
    body.get(LOCAL.v)
    body.v128(splat(ZERO))
    body.op('i8x16.sub')
    body.v128(splat(10))
    body.op('i8x16.lt_u')
    body.op('v128.bitselect')
    // A digit is below 10, a letter from 10 to 15; by its own rule nothing else is either.
    body.get(LOCAL.v)
    body.v128(splat(LETTER_A))
    body.op('i8x16.sub')
    body.v128(splat(6))
    body.op('i8x16.lt_u')
    body.get(LOCAL.v)
    body.v128(splat(ZERO))
    body.op('i8x16.sub')
    body.v128(splat(10))
    body.op('i8x16.lt_u', 'v128.or', 'i8x16.all_true', 'i32.eqz')
    this.surpriseIf()
    body.tee(LOCAL.v)
    body.i32(4)
    body.op('i16x8.shl')
    body.get(LOCAL.v)
    body.i32(8)
    body.op('i16x8.shr_u', 'v128.or')
    body.v128(Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0xff : 0)))
    body.op('v128.and')
  }
}
