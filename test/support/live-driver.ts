/**
 * A live run without a clock of its own: blocks are appended to a journal in memory with the time and W of that moment,
 * read from there, and read again after a crash.
 */
import type { ChangeSet } from '../../src/pipeline/cells.ts'
import type { Plan, StreamName } from '../../src/pipeline/plan.ts'
import type { TextTables } from '../../src/pipeline/table-text.ts'
import { Pipeline } from '../../src/runtime/pipeline.ts'
import type { LineBatch } from '../../src/verify/admission.ts'
import type { LivePartition } from '../../src/verify/recount.ts'
import { fileBytes, SnapshotStore } from './engine-driver.ts'
import { TableStore } from './table-store.ts'

/** What happens next. Partitions are taken modulo how many there are. */
export type LiveStep =
  /** Some lines arrive at a partition. */
  | { readonly append: number; readonly lines: number; readonly arrivalMs: number }
  /** The next block of a partition is read. */
  | { readonly read: number }
  /** A partition that has nothing to read goes idle. */
  | { readonly idle: number }
  /** The watermarks are followed; `advance` is what W may rise to where every partition is idle. */
  | { readonly advance: number }
  | 'changes'
  /** An epoch: changes are handed out and the state is saved. */
  | 'epoch'
  /** All that was not saved is lost, and the journal is read from where the last epoch stood. */
  | 'crash'

interface Partition {
  readonly stream: StreamName
  readonly name: string
  readonly lines: readonly Uint8Array[]
}

/** A block as the journal has it. */
type Block = LineBatch & { readonly lines: readonly Uint8Array[] }

export class LiveDriver {
  readonly #plan: Plan
  readonly #partitions: readonly Partition[]
  readonly #next: number[]
  readonly #journal: Block[][]
  readonly #snapshots = new SnapshotStore()
  #read: number[]
  #handedOut: ChangeSet[] = []
  /** What stood where at the last epoch. */
  #saved: { readonly read: readonly number[]; readonly handedOut: readonly ChangeSet[] }
  pipeline: Pipeline
  crashes = 0

  constructor(plan: Plan, partitions: readonly Partition[]) {
    this.#plan = plan
    this.#partitions = partitions
    this.#next = partitions.map(() => 0)
    this.#journal = partitions.map(() => [])
    this.#read = partitions.map(() => 0)
    this.#saved = { read: [...this.#read], handedOut: [] }
    this.pipeline = new Pipeline({ ...this.#options(), random: new Int32Array(16).fill(11) })
  }

  get watermarkMs(): number {
    return this.pipeline.engine.watermarks.pipelineMs
  }

  step(step: LiveStep): void {
    const { engine } = this.pipeline
    if (step === 'changes') this.#handedOut.push(engine.changes())
    else if (step === 'epoch') this.#save()
    else if (step === 'crash') this.#crash()
    else if ('append' in step) this.#append(step.append % this.#partitions.length, step)
    else if ('read' in step) this.#readNext(step.read % this.#partitions.length)
    else if ('idle' in step) this.#goIdle(step.idle % this.#partitions.length)
    else engine.advance(step.advance)
  }

  /** The tables as a database would hold them now. */
  tables(): TextTables {
    this.step('changes')
    const store = new TableStore(this.#plan)
    for (const changes of this.#handedOut) store.apply(changes)
    if (store.brokenFinals.length > 0) throw new Error(`final rows changed: ${store.brokenFinals.join(', ')}`)
    return store.tables()
  }

  /** What was read, for a recount. */
  blocksRead(): LivePartition[] {
    return this.#partitions.map(({ stream, name }, i) => {
      return { stream, name, batches: this.#journal[i]?.slice(0, this.#read[i]) ?? [] }
    })
  }

  /** Everything that was appended. */
  wholeJournal(): LivePartition[] {
    return this.#partitions.map(({ stream, name }, i) => ({ stream, name, batches: this.#journal[i] ?? [] }))
  }

  /** Reads what waits, ends all partitions, and returns the tables. */
  readAll(): TextTables {
    this.#partitions.forEach((_, partition) => {
      while (this.#hasUnread(partition)) this.#readNext(partition)
    })
    this.#partitions.forEach((_, partition) => this.pipeline.engine.watermarks.end(partition))
    this.pipeline.engine.advance()
    return this.tables()
  }

  #options(): Omit<ConstructorParameters<typeof Pipeline>[0], 'random'> {
    const carryPolicy = { slackBytes: 0, maxPayloads: 4, stepBytes: 200 }
    return {
      plan: this.#plan,
      rollUps: this.#plan.tables,
      partitions: this.#partitions,
      deadLetters: { write: () => undefined },
      carryPolicy,
    }
  }

  #append(partition: number, { lines, arrivalMs }: { lines: number; arrivalMs: number }): void {
    const from = this.#next[partition] ?? 0
    const taken = this.#partitions[partition]?.lines.slice(from, from + lines) ?? []
    if (taken.length === 0) return
    this.#next[partition] = from + taken.length
    this.#journal[partition]?.push({ lines: taken, arrivalMs, floorMs: this.watermarkMs })
    this.pipeline.engine.watermarks.setIdle(partition, false)
  }

  #readNext(partition: number): void {
    const block = this.#journal[partition]?.[this.#read[partition] ?? 0]
    if (block === undefined) return
    this.#read[partition] = (this.#read[partition] ?? 0) + 1
    const bytes = fileBytes(block.lines)
    this.pipeline.offerLines(partition, bytes, 0, bytes.length, block.arrivalMs, block.floorMs)
  }

  #goIdle(partition: number): void {
    if (!this.#hasUnread(partition)) this.pipeline.engine.watermarks.setIdle(partition, true)
  }

  #hasUnread(partition: number): boolean {
    return (this.#read[partition] ?? 0) < (this.#journal[partition]?.length ?? 0)
  }

  #save(): void {
    this.step('changes')
    this.#snapshots.add(this.pipeline.snapshot(this.#snapshots.nextEpoch))
    this.#saved = { read: [...this.#read], handedOut: [...this.#handedOut] }
  }

  #crash(): void {
    if (this.#snapshots.chain().length === 0) return
    this.crashes++
    this.pipeline = Pipeline.restore(this.#options(), this.#snapshots.chain())
    this.#read = [...this.#saved.read]
    this.#handedOut = [...this.#saved.handedOut]
    // What waits in the journal holds W back from the start, as it did when it was appended.
    this.#partitions.forEach((_, partition) => {
      if (this.#hasUnread(partition)) this.pipeline.engine.watermarks.setIdle(partition, false)
    })
  }
}
