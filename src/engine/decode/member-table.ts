/**
 * Predicted members in any order: for producers whose keys come in no fixed order, or come and go.
 *
 * M1  It knows each member by its bytes from the key's opening quote to the value, as learned from records the general
 *     parser found sound.
 * M2  A record is decoded only when it is an opening brace, known members with a comma and at most one space between
 *     them, and a closing brace; when no known field comes twice; and when no required one is missing. On any surprise
 *     it says so, as a layout does.
 */
import type { EventBatch } from '../event-batch.ts'
import { compileMembers, type CompiledMember } from './compiled/compile.ts'
import { ProgramOf } from './compiled/programs.ts'
import type { Dictionary } from './dictionary.ts'
import { clearRow } from './json-record.ts'
import { MAX_TRACKED_MEMBERS, NULL, STRING, type JsonScanner } from './json-scan.ts'
import type { KnownField } from './record-fields.ts'
import { hasLiteral, isPredictable, isSameSegment, makeSegment } from './segment.ts'
import { OPERATIONS, operationFor } from './value-operations.ts'
import { NO_MATCH, type ValueReader } from './value-reader.ts'

const NOTHING = OPERATIONS.nothing
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Members it keeps at most. */
const MAX_MEMBERS = 64
/** One bit of a mask for each known field: with more of them nothing is learned. */
const MAX_FIELDS = 31
const SLOTS = 256

interface Member extends CompiledMember {
  /** Another member whose first four bytes fall into the same slot. */
  readonly next: Member | undefined
}

export class MemberTable {
  readonly #fields: readonly KnownField[]
  readonly #dictionaries: readonly Dictionary[]
  readonly #reader: ValueReader
  readonly #requiredBits: number
  readonly #slots: (Member | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
  #size = 0
  #program: ProgramOf

  constructor(fields: readonly KnownField[], dictionaries: readonly Dictionary[], reader: ValueReader) {
    this.#fields = fields
    this.#dictionaries = dictionaries
    this.#reader = reader
    this.#requiredBits = fields.reduce((bits, field, index) => (field.required ? bits | (1 << index) : bits), 0)
    this.#program = this.#uncompiled()
  }

  /** The program of the members it knows at present. */
  get program(): ProgramOf {
    return this.#program
  }

  /** As `RecordLayout.decode`. */
  decode(view: DataView, bytes: Uint8Array, start: number, end: number, batch: EventBatch, row: number): number {
    if (this.#size === 0 || start >= end || bytes[start] !== OPEN_BRACE) return NO_MATCH
    clearRow(batch, row)
    let seenBits = 0
    let pos = start + 1
    for (;;) {
      const member = this.#memberAt(view, bytes, pos, end)
      if (member === undefined || (seenBits & member.fieldBit) !== 0) return NO_MATCH
      seenBits |= member.fieldBit
      pos += member.segment.length
      if (member.segment.operation !== NOTHING) {
        pos = this.#reader.read(member.segment, view, bytes, pos, end, batch, row)
        if (pos < 0) return NO_MATCH
        if (member.isString) pos++
      }
      if (pos >= end) return NO_MATCH
      const byte = bytes[pos] as number
      if (byte === CLOSE_BRACE) break
      if (byte !== COMMA) return NO_MATCH
      pos += bytes[pos + 1] === 0x20 ? 2 : 1
    }
    return (seenBits & this.#requiredBits) === this.#requiredBits ? pos + 1 : NO_MATCH
  }

  /** Learns the members of the record that `scanner` scanned last and found sound. */
  learn(scanner: JsonScanner, bytes: Uint8Array): void {
    if (scanner.memberCount > MAX_TRACKED_MEMBERS || this.#fields.length > MAX_FIELDS) return
    for (let member = 0; member < scanner.memberCount; member++) this.#learnMember(scanner, member, bytes)
  }

  #memberAt(view: DataView, bytes: Uint8Array, pos: number, end: number): Member | undefined {
    if (pos + 4 > end) return undefined
    let member = this.#slots[slotOf(view.getInt32(pos, true))]
    while (member !== undefined) {
      const segment = member.segment
      if (pos + segment.needed <= end && hasLiteral(segment, view, bytes, pos)) return member
      member = member.next
    }
    return undefined
  }

  #learnMember(scanner: JsonScanner, member: number, bytes: Uint8Array): void {
    const kind = scanner.memberKinds[member] as number
    const number = scanner.memberFields[member] as number
    const field = this.#fields[number]
    const start = scanner.memberStarts[member] as number
    const end = scanner.memberEnds[member] as number
    const operation = operationFor(kind, field, bytes, start, end)
    if (operation === undefined || this.#size === MAX_MEMBERS) return
    const literal = bytes.slice(scanner.memberKeyStarts[member], kind === NULL ? end : start)
    if (literal.length < 4 || !isPredictable(literal)) return
    const segment = makeSegment(literal, operation, field, this.#dictionaries)
    const slot = slotOf(new DataView(literal.buffer).getInt32(0, true))
    for (let known = this.#slots[slot]; known !== undefined; known = known.next) {
      if (isSameSegment(known.segment, segment)) return
    }
    const fieldBit = field === undefined ? 0 : 1 << number
    this.#slots[slot] = { segment, fieldBit, isString: kind === STRING, next: this.#slots[slot] }
    this.#size++
    this.#program = this.#uncompiled()
  }

  #uncompiled(): ProgramOf {
    return new ProgramOf((addresses) => compileMembers(this.#members(), this.#requiredBits, addresses))
  }

  #members(): Member[] {
    const members: Member[] = []
    for (const first of this.#slots)
      for (let member = first; member !== undefined; member = member.next) members.push(member)
    return members
  }
}

function slotOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> 24
}
