/**
 * Instructions that read values, each by what is done with it.
 *
 * V3  The byte after a value is checked by what follows: the next literal, or the step to the next member.
 */
import { END_EVENT_TIME_MS } from '../../../time/window.ts'
import type { Segment } from '../segment.ts'
import { OPERATIONS, TIME_DIGITS } from '../value-operations.ts'
import { MICROS } from './memory.ts'
import { LOCAL, splat } from './record-writer.ts'
import { SKIPPED_CHUNKS, TextWriter } from './text-writer.ts'

/** The most a value may span, looked-at bytes included. */
export const VALUE_SPAN: number = 16 * (SKIPPED_CHUNKS + 1)

const ZERO = 0x30
const DOT = 0x2e
const SMALL_E = 0x65
/** A sum's digits before the point, and those of a number that is only skipped. */
const WHOLE_DIGITS = 6
const SKIPPED_DIGITS = 15
const DECIMALS = 6

/** Operations that have instructions here. */
export function isCompilable({ operation }: Segment): boolean {
  return operation <= OPERATIONS.skipNumber
}

/** Writes instructions that read values. */
export class ValueWriter extends TextWriter {
  /** Reads the value at `at` to its column and moves past it; a string's closing quote is left. */
  value({ operation, target }: Segment): void {
    switch (operation) {
      case OPERATIONS.skipString:
        return this.skipString()
      case OPERATIONS.dimension:
        return this.dimension(target)
      case OPERATIONS.eventId:
        return this.uuid(this.addresses.id)
      case OPERATIONS.impressionId:
        return this.uuid(this.addresses.impressionId)
      case OPERATIONS.eventTime:
        return this.#eventTime()
      case OPERATIONS.money:
        return this.#number(WHOLE_DIGITS, target)
      case OPERATIONS.skipNumber:
        return this.#number(SKIPPED_DIGITS, -1)
    }
  }

  #eventTime(): void {
    const body = this.body
    body.get(LOCAL.at)
    body.at('v128.load', 0)
    body.v128(splat(ZERO))
    body.op('i8x16.sub')
    body.v128(splat(10))
    body.op('i8x16.lt_u', 'i8x16.bitmask')
    body.i32(2 ** TIME_DIGITS - 1)
    body.op('i32.and')
    body.i32(2 ** TIME_DIGITS - 1)
    body.op('i32.ne')
    this.surpriseIf()
    body.get(LOCAL.at)
    body.at('i32.load8_u', 0)
    body.i32(ZERO)
    body.op('i32.eq')
    this.surpriseIf()
    // The first five digits, with three zeros before them, and the last eight.
    body.get(LOCAL.at)
    body.at('i64.load', 0)
    body.i64(24n)
    body.op('i64.shl')
    this.#eightDigits()
    body.i64(100_000_000n)
    body.op('i64.mul')
    body.get(LOCAL.at)
    body.at('i64.load', 5)
    this.#eightDigits()
    body.op('i64.add')
    body.tee(LOCAL.x)
    body.i64(BigInt(END_EVENT_TIME_MS))
    body.op('i64.ge_u')
    this.surpriseIf()
    this.rowAddress(3)
    body.get(LOCAL.x)
    body.op('f64.convert_i64_u')
    body.at('f64.store', this.addresses.timeMs)
    this.move(TIME_DIGITS)
  }

  /** From eight digits in an i64, the first one lowest, to their number: neighbours are joined three times. */
  #eightDigits(): void {
    const body = this.body
    for (const [kept, factor, shift] of [
      [0x0f0f0f0f0f0f0f0fn, 10n * 256n + 1n, 8n],
      [0x00ff00ff00ff00ffn, 100n * 65_536n + 1n, 16n],
      [0x0000ffff0000ffffn, 10_000n * 4_294_967_296n + 1n, 32n],
    ] as const) {
      body.i64(kept)
      body.op('i64.and')
      body.i64(factor)
      body.op('i64.mul')
      body.i64(shift)
      body.op('i64.shr_u')
    }
  }

  /** Some digits, perhaps with up to six decimals; in millionths to a sum, unless `target` is negative. */
  #number(wholeDigits: number, target: number): void {
    const body = this.body
    body.i64(0n)
    body.set(LOCAL.x)
    // The first digit; a zero is the only one.
    this.#digit()
    body.i32(9)
    body.op('i32.gt_u')
    this.surpriseIf()
    this.#takeDigit()
    body.get(LOCAL.b)
    body.if(() => this.#digits(wholeDigits - 1))
    body.i32(0)
    body.set(LOCAL.a)
    body.get(LOCAL.at)
    body.at('i32.load8_u', 0)
    body.i32(DOT)
    body.op('i32.eq')
    body.if(() => {
      this.move(1)
      body.get(LOCAL.at)
      body.set(LOCAL.decimalsStart)
      this.#digits(DECIMALS)
      body.get(LOCAL.at)
      body.get(LOCAL.decimalsStart)
      body.op('i32.sub')
      body.tee(LOCAL.a)
      body.op('i32.eqz')
      this.surpriseIf()
    })
    this.#surpriseIfNumberGoesOn()
    if (target < 0) return
    this.rowAddress(3)
    body.get(LOCAL.x)
    body.get(LOCAL.a)
    body.i32(3)
    body.op('i32.shl')
    body.at('i64.load', MICROS)
    body.op('i64.mul', 'f64.convert_i64_u')
    body.at('f64.store', this.addresses.sums[target] as number)
  }

  /** Leaves the value of the digit at `at` in b and on the stack; more than 9 where there is none. */
  #digit(): void {
    const body = this.body
    body.get(LOCAL.at)
    body.at('i32.load8_u', 0)
    body.i32(ZERO)
    body.op('i32.sub')
    body.tee(LOCAL.b)
  }

  #takeDigit(): void {
    const body = this.body
    body.get(LOCAL.x)
    body.i64(10n)
    body.op('i64.mul')
    body.get(LOCAL.b)
    body.op('i64.extend_i32_u', 'i64.add')
    body.set(LOCAL.x)
    this.move(1)
  }

  /** Takes up to `most` digits. */
  #digits(most: number): void {
    const body = this.body
    body.block((end) => {
      for (let i = 0; i < most; i++) {
        this.#digit()
        body.i32(9)
        body.op('i32.gt_u')
        body.jumpIf(end)
        this.#takeDigit()
      }
    })
  }

  #surpriseIfNumberGoesOn(): void {
    const body = this.body
    this.#digit()
    body.i32(9)
    body.op('i32.gt_u', 'i32.eqz')
    this.surpriseIf()
    body.get(LOCAL.b)
    body.i32(DOT - ZERO)
    body.op('i32.eq')
    this.surpriseIf()
    body.get(LOCAL.at)
    body.at('i32.load8_u', 0)
    body.i32(0x20)
    body.op('i32.or')
    body.i32(SMALL_E)
    body.op('i32.eq')
    this.surpriseIf()
  }
}
