/**
 * WebAssembly by hand: instructions of one function to a module, without a toolchain.
 *
 * What a record's layout needs is little: loads, compares, 16 bytes at a time, and jumps forward. Numbers of
 * instructions and the binary format are those of the WebAssembly Core Specification 2.0, chapter 5.
 *
 * A1  Jumps name labels; their depth is counted here.
 */
import { TidemarkError } from '../../../errors.ts'

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

type Instructions = Readonly<Record<string, readonly number[]>>

/** Instructions without operands, by the name they have in the text format. */
const PLAIN: Instructions = {
  return: [0x0f],
  'i32.eqz': [0x45],
  'i32.eq': [0x46],
  'i32.ne': [0x47],
  'i32.lt_u': [0x49],
  'i32.gt_u': [0x4b],
  'i32.ge_u': [0x4f],
  'i64.eq': [0x51],
  'i64.ne': [0x52],
  'i64.lt_u': [0x54],
  'i64.gt_u': [0x56],
  'i64.ge_u': [0x5a],
  'i32.ctz': [0x68],
  'i32.add': [0x6a],
  'i32.sub': [0x6b],
  'i32.mul': [0x6c],
  'i32.and': [0x71],
  'i32.or': [0x72],
  'i32.shl': [0x74],
  'i64.add': [0x7c],
  'i64.mul': [0x7e],
  'i64.and': [0x83],
  'i64.xor': [0x85],
  'i64.shl': [0x86],
  'i64.shr_u': [0x88],
  'i32.wrap_i64': [0xa7],
  'i64.extend_i32_u': [0xad],
  'f64.convert_i64_u': [0xba],
  'i8x16.eq': [0xfd, 35],
  'i8x16.lt_s': [0xfd, 37],
  'i8x16.lt_u': [0xfd, 38],
  'v128.and': [0xfd, 78],
  'v128.or': [0xfd, 80],
  'v128.xor': [0xfd, 81],
  'v128.bitselect': [0xfd, 82],
  'v128.any_true': [0xfd, 83],
  'i8x16.all_true': [0xfd, 99],
  'i8x16.bitmask': [0xfd, 100],
  'i8x16.narrow_i16x8_u': [0xfd, 102],
  'i8x16.sub': [0xfd, 113],
  'i64x2.extract_lane 0': [0xfd, 29, 0],
  'i64x2.mul': [0xfd, 0xd5, 0x01],
  'i16x8.shl': [0xfd, 0x8b, 0x01],
  'i16x8.shr_u': [0xfd, 0x8d, 0x01],
}

const MEMORY: Instructions = {
  'i32.load': [0x28],
  'i64.load': [0x29],
  'i32.load8_u': [0x2d],
  'i32.load16_u': [0x2f],
  'i32.store': [0x36],
  'f64.store': [0x39],
  'v128.load': [0xfd, 0],
  'v128.store': [0xfd, 11],
}

export type ValueType = 'i32' | 'i64' | 'v128'

const VALUE_TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, v128: 0x7b }

/** Where a jump leads: past the end of a block, or to the start of a loop. */
export interface Label {
  readonly depth: number
}

/** The body of one function, written instruction by instruction. */
export class FunctionBody {
  readonly #code: number[] = []
  #depth = 0

  /** Appends instructions without operands. */
  op(...names: readonly string[]): void {
    for (const name of names) this.#code.push(...opcode(PLAIN, name))
  }

  /** Loads from, or stores to, the address on the stack + `offset`. */
  at(name: string, offset: number): void {
    this.#code.push(...opcode(MEMORY, name), 0, ...unsigned(offset))
  }

  get(local: number): void {
    this.#code.push(0x20, ...unsigned(local))
  }

  set(local: number): void {
    this.#code.push(0x21, ...unsigned(local))
  }

  /** Sets a local and leaves the value on the stack. */
  tee(local: number): void {
    this.#code.push(0x22, ...unsigned(local))
  }

  i32(value: number): void {
    this.#code.push(0x41, ...signed(BigInt(value | 0)))
  }

  i64(value: bigint): void {
    this.#code.push(0x42, ...signed(BigInt.asIntN(64, value)))
  }

  v128(bytes: ArrayLike<number>): void {
    this.#code.push(0xfd, 12, ...Array.from({ length: 16 }, (_, i) => bytes[i] ?? 0))
  }

  /** Picks 16 of the 32 bytes of two vectors. */
  shuffle(indexes: readonly number[]): void {
    this.#code.push(0xfd, 13, ...indexes)
  }

  /** A block: a jump to its label leads past its end. */
  block(write: (label: Label) => void): void {
    this.#nest(0x02, write)
  }

  /** A loop: a jump to its label leads back to its start. */
  loop(write: (label: Label) => void): void {
    this.#nest(0x03, write)
  }

  /** Instructions for when the value on the stack is not 0. */
  if(write: () => void): void {
    this.#nest(0x04, write)
  }

  jump(label: Label): void {
    this.#code.push(0x0c, ...unsigned(this.#depth - label.depth))
  }

  /** Jumps when the value on the stack is not 0. */
  jumpIf(label: Label): void {
    this.#code.push(0x0d, ...unsigned(this.#depth - label.depth))
  }

  /** The bytes of a function with these locals after its parameters. */
  toBytes(locals: readonly ValueType[]): number[] {
    const body = [...vector(locals.map((type) => [1, VALUE_TYPES[type]])), ...this.#code, 0x0b]
    return [...unsigned(body.length), ...body]
  }

  #nest(code: number, write: (label: Label) => void): void {
    this.#code.push(code, 0x40)
    this.#depth++
    write({ depth: this.#depth })
    this.#depth--
    this.#code.push(0x0b)
  }
}

/**
 * A module of one exported function `run`, of `parameters` i32 to one i32, over the imported memory `env.memory`.
 */
export function moduleOf(
  parameters: number,
  locals: readonly ValueType[],
  body: FunctionBody,
): Uint8Array<ArrayBuffer> {
  const type = [0x60, ...vector(Array.from({ length: parameters }, () => [VALUE_TYPES.i32])), 1, VALUE_TYPES.i32]
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, [type]),
    ...section(2, [[...text('env'), ...text('memory'), 0x02, 0x00, ...unsigned(1)]]),
    ...section(3, [[0]]),
    ...section(7, [[...text('run'), 0x00, 0]]),
    ...section(10, [body.toBytes(locals)]),
  ])
}

function opcode(instructions: Instructions, name: string): readonly number[] {
  const code = instructions[name]
  if (code === undefined) throw new TidemarkError('INTERNAL', `The assembler knows no instruction "${name}".`)
  return code
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = vector(items)
  return [id, ...unsigned(content.length), ...content]
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function text(name: string): number[] {
  return [...unsigned(name.length), ...Array.from(name, (letter) => letter.charCodeAt(0))]
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

function signed(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    const isLast = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)
    bytes.push(isLast ? low : low | 0x80)
    if (isLast) return bytes
  }
}
