/**
 * Checkpoints as the delivery of epochs needs them, and what may go once an epoch is committed: older checkpoints, and
 * raw events that are kept no longer.
 *
 * C1  Nothing goes that the epoch in the tables, or the one before it, still needs.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Journal } from '../checkpoint/journal/journal.ts'
import type { CheckpointStore } from '../checkpoint/store/checkpoint-store.ts'
import { messageOf } from '../errors.ts'
import { freeBytes } from '../runtime/free-bytes.ts'
import type { Barrier, CheckpointSink } from '../runtime/delivery.ts'
import type { Log, Positions } from '../runtime/ports.ts'
import type { KafkaSource } from '../sources/kafka/kafka-source.ts'
import type { KafkaFolder } from '../sources/kafka/kafka-folder.ts'

/** The engine's state, in as many sections as it comes in: read back they are one. */
const STATE_SECTION = 1

export class Checkpoints implements CheckpointSink {
  readonly #store: CheckpointStore
  readonly #journal: Journal
  readonly #kafka: KafkaFolder
  readonly #kafkaSources: readonly KafkaSource[]
  readonly #log: Log
  /** What the epoch written last, and the one committed last, still need. */
  #written: Needed | undefined
  #committed: Needed | undefined

  constructor(parts: {
    store: CheckpointStore
    journal: Journal
    kafka: KafkaFolder
    kafkaSources: readonly KafkaSource[]
    log: Log
  }) {
    this.#store = parts.store
    this.#journal = parts.journal
    this.#kafka = parts.kafka
    this.#kafkaSources = parts.kafkaSources
    this.#log = parts.log
  }

  async write(number: number, { snapshot, positions, watermarkMs }: Barrier): Promise<void> {
    // The moment of the barrier is over: requests have their turn before its bytes are summed up.
    await nextTurn()
    this.#kafka.write(positions)
    const neededFrom = snapshot.since
    const previousEpoch = neededFrom === number ? undefined : number - 1
    const head = { epoch: number, previousEpoch, neededFrom, positions, details: { watermarkMs: String(watermarkMs) } }
    await this.#store.write(
      head,
      snapshot.parts.map((bytes) => ({ type: STATE_SECTION, bytes })),
    )
    for (const bytes of snapshot.parts) freeBytes(bytes)
    this.#written = { neededFrom, positions }
  }

  committed(number: number): void {
    const before = this.#committed
    this.#committed = this.#written
    for (const source of this.#kafkaSources) source.tellCommitted(this.#written?.positions ?? {})
    if (before === undefined) return
    this.#clear(Math.min(before.neededFrom, number - 1), before.positions).catch((error: unknown) => {
      // A disk that failed is told, for good, by whoever writes to it next.
      this.#log('warn', messageOf(error))
    })
  }

  async #clear(neededFrom: number, positions: Positions): Promise<void> {
    await this.#store.dropBefore(neededFrom)
    const first = this.#kafkaSources.flatMap((source) => Object.entries(source.firstOffsets()))
    this.#kafka.prune(Object.fromEntries(first))
    await this.#journal.removeExpired(new Map(Object.entries(this.#kafka.withoutTopics(positions))))
  }
}

interface Needed {
  readonly neededFrom: number
  readonly positions: Positions
}
