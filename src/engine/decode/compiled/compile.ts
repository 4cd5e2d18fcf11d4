/**
 * From what was learned of a producer's records to programs that decode its lines: one for a layout, one for members in
 * any order.
 *
 * C1  A program decodes a line only where the layout or the members would, to the same row; at any other line it stops.
 * C2  What it needs beyond the window's end is less than there is (`OVERRUN_BYTES`), or it is not compiled.
 */
import type { Segment } from '../segment.ts'
import { OPERATIONS } from '../value-operations.ts'
import { FunctionBody, moduleOf, type Label } from './assembler.ts'
import { DONE, OVERRUN_BYTES, SURPRISE, type ColumnAddresses } from './memory.ts'
import { LOCAL, LOCAL_TYPES, PARAMETER_COUNT, writeStop } from './record-writer.ts'
import { isCompilable, VALUE_SPAN, ValueWriter } from './value-writer.ts'

const LF = 0x0a
const CR_LF = 0x0a0d
const QUOTE = 0x22
const SPACE = 0x20
const COMMA = 0x2c
const OPEN_BRACE = Uint8Array.of(0x7b)
const CLOSE_BRACE = 0x7d

/** A member of records whose keys come in any order. */
export interface CompiledMember {
  readonly segment: Segment
  /** Bit of its field; 0 where it is not known. */
  readonly fieldBit: number
  /** Whether a quote closes the value. */
  readonly isString: boolean
}

/** The module for lines that follow `segments`; undefined where it has no instructions for one of them. */
export function compileLayout(
  segments: readonly Segment[],
  addresses: ColumnAddresses,
): Uint8Array<ArrayBuffer> | undefined {
  if (!segments.every(isCompilable) || spanOf(segments) > OVERRUN_BYTES) return undefined
  return program(addresses, (body, surprise) => {
    const writer = new ValueWriter(body, addresses, surprise)
    writer.clear(absent(addresses.dimensions, segments, true), absent(addresses.sums, segments, false))
    for (const segment of segments) {
      writer.literal(segment.literal, surprise)
      writer.move(segment.length)
      writer.value(segment)
    }
  })
}

/** The module for lines of these members in any order, those of `requiredBits` among them. */
export function compileMembers(
  known: readonly CompiledMember[],
  requiredBits: number,
  addresses: ColumnAddresses,
): Uint8Array<ArrayBuffer> | undefined {
  const members = known.filter(({ segment }) => isCompilable(segment))
  if (spanOf(members.map(({ segment }) => segment)) > OVERRUN_BYTES) return undefined
  return program(addresses, (body, surprise) => {
    const writer = new ValueWriter(body, addresses, surprise)
    writer.literal(OPEN_BRACE, surprise)
    writer.move(1)
    writer.clear([...addresses.dimensions.keys()], [...addresses.sums.keys()])
    body.i32(0)
    body.set(LOCAL.seen)
    body.loop((nextMember) => {
      body.block((after) => {
        for (const member of members) writeMember(body, writer, member, surprise, after)
        body.jump(surprise)
      })
      writeStep(body, writer, nextMember)
    })
    body.get(LOCAL.at)
    body.at('i32.load8_u', 0)
    body.i32(CLOSE_BRACE)
    body.op('i32.ne')
    body.jumpIf(surprise)
    writer.move(1)
    body.get(LOCAL.seen)
    body.i32(requiredBits)
    body.op('i32.and')
    body.i32(requiredBits)
    body.op('i32.ne')
    body.jumpIf(surprise)
  })
}

/** Tries one member at `at`, and leaves for `after` when it was there. */
function writeMember(
  body: FunctionBody,
  writer: ValueWriter,
  { segment, fieldBit, isString }: CompiledMember,
  surprise: Label,
  after: Label,
): void {
  body.block((other) => {
    writer.literal(segment.literal, other)
    if (fieldBit !== 0) {
      body.get(LOCAL.seen)
      body.i32(fieldBit)
      body.op('i32.and')
      body.jumpIf(surprise)
      body.get(LOCAL.seen)
      body.i32(fieldBit)
      body.op('i32.or')
      body.set(LOCAL.seen)
    }
    writer.move(segment.length)
    writer.value(segment)
    if (isString) {
      body.get(LOCAL.at)
      body.at('i32.load8_u', 0)
      body.i32(QUOTE)
      body.op('i32.ne')
      body.jumpIf(surprise)
      writer.move(1)
    }
    body.jump(after)
  })
}

/** After a comma, and one space at most, comes the next member. A record cannot have so many that it never ends. */
function writeStep(body: FunctionBody, writer: ValueWriter, nextMember: Label): void {
  body.get(LOCAL.at)
  body.at('i32.load8_u', 0)
  body.i32(COMMA)
  body.op('i32.eq')
  body.if(() => {
    writer.move(1)
    body.get(LOCAL.at)
    body.get(LOCAL.at)
    body.at('i32.load8_u', 0)
    body.i32(SPACE)
    body.op('i32.eq', 'i32.add')
    body.tee(LOCAL.at)
    // Members of unknown fields may come again and again; what is beyond the end is not theirs.
    body.get(LOCAL.end)
    body.op('i32.lt_u')
    body.jumpIf(nextMember)
  })
}

/** A program that reads line after line by what `writeRecord` writes. */
function program(
  addresses: ColumnAddresses,
  writeRecord: (body: FunctionBody, surprise: Label) => void,
): Uint8Array<ArrayBuffer> {
  const body = new FunctionBody()
  body.block((surprise) => {
    body.loop((nextLine) => {
      body.get(LOCAL.row)
      body.get(LOCAL.rows)
      body.op('i32.ge_u')
      body.get(LOCAL.start)
      body.get(LOCAL.end)
      body.op('i32.ge_u', 'i32.or')
      body.if(() => writeStop(body, DONE))
      body.get(LOCAL.start)
      body.set(LOCAL.at)
      writeRecord(body, surprise)
      writeLineEnd(body, addresses, surprise)
      body.jump(nextLine)
    })
  })
  writeStop(body, SURPRISE)
  return moduleOf(PARAMETER_COUNT, LOCAL_TYPES, body)
}

/** An LF, with or without a CR before it, ends the row; a record that reaches beyond the window's end is none. */
function writeLineEnd(body: FunctionBody, addresses: ColumnAddresses, surprise: Label): void {
  body.get(LOCAL.at)
  body.set(LOCAL.a)
  body.get(LOCAL.at)
  body.at('i32.load16_u', 0)
  body.i32(CR_LF)
  body.op('i32.eq')
  body.get(LOCAL.at)
  body.op('i32.add')
  body.tee(LOCAL.at)
  body.at('i32.load8_u', 0)
  body.i32(LF)
  body.op('i32.ne')
  body.jumpIf(surprise)
  body.get(LOCAL.at)
  body.get(LOCAL.end)
  body.op('i32.ge_u')
  body.jumpIf(surprise)
  writeRowEnd(body, addresses)
}

function writeRowEnd(body: FunctionBody, addresses: ColumnAddresses): void {
  for (const [local, column] of [
    [LOCAL.start, addresses.byteStart],
    [LOCAL.a, addresses.byteEnd],
  ] as const) {
    body.get(LOCAL.row)
    body.i32(2)
    body.op('i32.shl')
    body.get(local)
    body.at('i32.store', column)
  }
  for (const [from, to] of [
    [LOCAL.at, LOCAL.start],
    [LOCAL.row, LOCAL.row],
  ] as const) {
    body.get(from)
    body.i32(1)
    body.op('i32.add')
    body.set(to)
  }
}

/** The most bytes that a record of these can make a program look at, from its start. */
function spanOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length + VALUE_SPAN, 0)
}

/** Columns that none of the segments fills. */
function absent(columns: readonly number[], segments: readonly Segment[], ofDimensions: boolean): number[] {
  const filled = segments
    .filter(({ operation }) => operation === (ofDimensions ? OPERATIONS.dimension : OPERATIONS.money))
    .map(({ target }) => target)
  return [...columns.keys()].filter((column) => !filled.includes(column))
}
