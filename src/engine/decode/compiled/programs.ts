/**
 * When to compile, and when a program is not worth keeping. One for each decoder.
 *
 * Programs are worth it: a line of the standard log takes them 82 ns, where the layout takes 181 ns, and a line whose
 * keys come in any order 175 ns instead of 510 ns.
 *
 * P1  Programs only ever speed things up: with or without any of them the rows are the same.
 * P2  A layout or a table of members is compiled once it has decoded `afterRecords` records; one whose program refuses
 *     more than half of the lines that it would have decoded itself goes on without.
 */
import type { EventBatch } from '../../event-batch.ts'
import type { Dictionary } from '../dictionary.ts'
import { ProgramMemory, type ColumnAddresses, type RunProgram } from './memory.ts'

/** Compiles to a module, or says that it cannot. */
export type Compile = (addresses: ColumnAddresses) => Uint8Array<ArrayBuffer> | undefined

/** What a layout or a table of members knows of its program. */
export class ProgramOf {
  program: RunProgram | undefined
  readonly #compile: Compile
  #isRefused = false
  /** Records decoded without a program, before there is one; records the program refused, after. */
  #without = 0
  #within = 0

  constructor(compile: Compile) {
    this.#compile = compile
  }

  /** Notes that `records` were decoded without the program. */
  decodedWithout(records: number, programs: Programs): void {
    if (this.#isRefused) return
    this.#without += records
    if (this.program === undefined) {
      if (this.#without >= programs.afterRecords) this.#make(programs)
    } else if (this.#without > programs.afterRecords && this.#without > this.#within) {
      this.program = undefined
      this.#isRefused = true
    }
  }

  /** Notes that the program decoded `records`. */
  decodedWithin(records: number): void {
    this.#within += records
  }

  #make(programs: Programs): void {
    this.program = programs.compile(this.#compile)
    this.#isRefused = this.program === undefined
    this.#without = 0
    this.#within = 0
  }
}

export class Programs {
  readonly afterRecords: number
  /** Records decoded by programs so far. */
  records = 0
  readonly #dictionaries: readonly Dictionary[]
  readonly #sumCount: number
  #memory: ProgramMemory | undefined

  /** @param dictionaries those of the dimensions that the stream fills */
  constructor(dictionaries: readonly Dictionary[], sumCount: number, afterRecords: number) {
    this.#dictionaries = dictionaries
    this.#sumCount = sumCount
    this.afterRecords = afterRecords
  }

  /** Says that another block comes, and that dictionaries may have been swept. */
  begin(): void {
    this.#memory?.begin()
  }

  compile(compile: Compile): RunProgram | undefined {
    this.#memory ??= new ProgramMemory(this.#dictionaries, this.#sumCount)
    const module = compile(this.#memory.addresses)
    return module === undefined ? undefined : this.#memory.instantiate(module)
  }

  /** As `RecordLayout.decodeRun`, by the program where there is one; `start` where there is none. */
  run(of: ProgramOf, block: Uint8Array, start: number, end: number, batch: EventBatch, firstPosition: number): number {
    if (of.program === undefined || this.#memory === undefined) return start
    const before = batch.count
    const next = this.#memory.run(of.program, block, start, end, batch, firstPosition)
    of.decodedWithin(batch.count - before)
    this.records += batch.count - before
    return next
  }
}
