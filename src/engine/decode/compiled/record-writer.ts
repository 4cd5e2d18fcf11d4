/**
 * The ground of a program: its locals, how it ends, and how literals are compared.
 *
 * V1  Each value is read exactly as the general parser would, or the program jumps to `surprise`; nothing is allocated.
 * V2  What is read beyond the window's end may be anything: a record that reaches there is not taken, whatever it says.
 */
import type { FunctionBody, Label, ValueType } from './assembler.ts'
import { REPORT, type ColumnAddresses } from './memory.ts'

/** Parameters and locals of a program. */
export const LOCAL = {
  /** The line at hand. */
  start: 0,
  end: 1,
  rows: 2,
  row: 3,
  at: 4,
  a: 5,
  b: 6,
  decimalsStart: 7,
  /** Known fields that a record with members in any order has had. */
  seen: 8,
  x: 9,
  v: 10,
  w: 11,
  u: 12,
} as const
export const PARAMETER_COUNT = 3
export const LOCAL_TYPES: readonly ValueType[] = [
  ...(['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const),
  'i64',
  ...(['v128', 'v128', 'v128'] as const),
]

/** Ends the program with an answer. */
export function writeStop(body: FunctionBody, answer: number): void {
  body.i32(0)
  body.get(LOCAL.row)
  body.at('i32.store', REPORT.rows)
  body.i32(0)
  body.get(LOCAL.start)
  body.at('i32.store', REPORT.nextStart)
  body.i32(answer)
  body.op('return')
}

/** Writes instructions that work on one record. */
export class RecordWriter {
  protected readonly body: FunctionBody
  protected readonly addresses: ColumnAddresses
  protected readonly surprise: Label

  constructor(body: FunctionBody, addresses: ColumnAddresses, surprise: Label) {
    this.body = body
    this.addresses = addresses
    this.surprise = surprise
  }

  /** Jumps to `otherwise` unless `literal` stands at `at`; does not move. */
  literal(literal: Uint8Array, otherwise: Label): void {
    const body = this.body
    const view = new DataView(literal.buffer, literal.byteOffset, literal.byteLength)
    const { length } = literal
    const width = length >= 16 ? 16 : length >= 8 ? 8 : length >= 4 ? 4 : 1
    for (let done = 0; done < length; done += width) {
      // The last step overlaps the one before where the length is no multiple.
      const offset = Math.min(done, length - width)
      body.get(LOCAL.at)
      if (width === 16) {
        body.at('v128.load', offset)
        body.v128(literal.subarray(offset, offset + 16))
        body.op('v128.xor', 'v128.any_true')
      } else if (width === 8) {
        body.at('i64.load', offset)
        body.i64(view.getBigUint64(offset, true))
        body.op('i64.ne')
      } else if (width === 4) {
        body.at('i32.load', offset)
        body.i32(view.getInt32(offset, true))
        body.op('i32.ne')
      } else {
        body.at('i32.load8_u', offset)
        body.i32(view.getUint8(offset))
        body.op('i32.ne')
      }
      body.jumpIf(otherwise)
    }
  }

  /** Sets what a record may leave out to what its absence means. */
  clear(dimensions: readonly number[], sums: readonly number[]): void {
    const body = this.body
    for (const dimension of dimensions) {
      this.rowAddress(2)
      body.i32(0)
      body.at('i32.store', this.addresses.dimensions[dimension] as number)
    }
    for (const sum of sums) {
      this.rowAddress(3)
      body.i64(0n)
      body.op('f64.convert_i64_u')
      body.at('f64.store', this.addresses.sums[sum] as number)
    }
  }

  /** Moves `at` on. */
  move(bytes: number): void {
    this.body.get(LOCAL.at)
    this.body.i32(bytes)
    this.body.op('i32.add')
    this.body.set(LOCAL.at)
  }

  protected surpriseIf(): void {
    this.body.jumpIf(this.surprise)
  }

  /** The offset of this row in a column of elements of 2^`shift` bytes. */
  protected rowAddress(shift: number): void {
    this.body.get(LOCAL.row)
    this.body.i32(shift)
    this.body.op('i32.shl')
  }
}

/** A vector of one byte. */
export function splat(byte: number): readonly number[] {
  return Array.from({ length: 16 }, () => byte)
}
