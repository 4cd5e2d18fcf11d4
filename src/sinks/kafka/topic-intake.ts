/**
 * Events that come over HTTP, as records of the topics that a source of the plan reads: Kafka instead of the journal.
 *
 * I1  `append` resolves once all in-sync replicas have every record of it (`acks=all`), whose values are the lines,
 *     byte for byte without their ends.
 * I2  What fails is a retryable error: nothing of it is promised, and a part of it may be in the topics. Sent again, it
 *     is counted once by its ids.
 * I3  Once the brokers failed, nothing is taken until they answer: what is in memory is what was taken before.
 * I4  What no broker would take is refused alone; what came together with it is written.
 * I5  Several batches are under way at once, each by a writer of its own. A producer numbers what it sends, so that
 *     brokers take a batch once however often it comes; one that fails begins with new numbers, and what it had under
 *     way beside that could be taken for something that came before. So no producer has two under way.
 * I6  What is under way at most is {@link BATCH_BYTES} of each writer, and one request more.
 */
import { messageOf, TidemarkError } from '../../errors.ts'
import type { StreamName } from '../../pipeline/plan.ts'
import type { Intake, Log } from '../../runtime/ports.ts'
import { linesOf } from '../../text/lines.ts'
import { keyOf } from './record-key.ts'
import type { OutgoingRecord } from './topic-writer.ts'

/** Where the records go: a `TopicWriter`. */
export interface RecordWriter {
  add(record: OutgoingRecord): unknown
  flush(): Promise<void>
  close(): Promise<void>
}

export interface TopicIntakeOptions {
  /** Name of the source that reads the topics. */
  readonly source: string
  readonly topics: Readonly<Record<StreamName, string>>
  readonly idFields: Readonly<Record<StreamName, string>>
  /** One batch goes by each at a time (I5). */
  readonly writers: readonly RecordWriter[]
  /** Whether the brokers answer and know the topics; rejects where not. */
  readonly probe: () => Promise<unknown>
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
}

interface Append {
  readonly stream: StreamName
  readonly lines: Uint8Array
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/** Brokers take batches of 1 MiB unless told otherwise; lengths, the key and the batch's header are in that too. */
export const MAX_RECORD_BYTES = 1_040_000
/** What is written together: more would only wait longer for the slowest partition. */
const BATCH_BYTES = 1 << 20
/**
 * Where a batch is under way already, less waits for it: brokers answer a few large batches at less cost than many
 * small ones.
 */
const OWN_BATCH_BYTES = 64 << 10
const BROKERS_FIX = 'check that the brokers run and let us write to the topics; it goes on by itself'
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 5_000
const LINE_FEED = 0x0a
const SPACE = 0x20

export class TopicIntake implements Intake {
  readonly #options: TopicIntakeOptions
  readonly #ending = new AbortController()
  readonly #idle: RecordWriter[]
  readonly #writing = new Set<Promise<void>>()
  /** What was not handed to a writer yet. */
  #waiting: Append[] = []
  #waitingBytes = 0
  #queuedBytes = 0
  #recovering: Promise<void> | undefined
  #problem: string | null = null

  constructor(options: TopicIntakeOptions) {
    this.#options = options
    this.#idle = [...options.writers]
  }

  get isOpen(): boolean {
    return this.#problem === null && !this.#ending.signal.aborted
  }

  get closedBy(): TidemarkError | undefined {
    return this.#problem === null ? undefined : this.#closed()
  }

  /** Why nothing is taken, in one sentence; null while something is. */
  get problem(): string | null {
    return this.#problem
  }

  /** Bytes that wait for an acknowledgement. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /**
   * @throws TidemarkError retryable as the port says; INPUT_BAD_DATA where a record is longer than a broker takes (I4)
   */
  async append(stream: StreamName, lines: Uint8Array): Promise<void> {
    if (!this.isOpen) throw this.#closed()
    if (lines.length > MAX_RECORD_BYTES && longestLine(lines) > MAX_RECORD_BYTES) throw tooLarge()
    this.#queuedBytes += lines.length
    try {
      await new Promise<void>((done, failed) => {
        this.#waiting.push({ stream, lines, done, failed })
        this.#waitingBytes += lines.length
        this.#beginWriting()
      })
    } finally {
      this.#queuedBytes -= lines.length
    }
  }

  /** Takes nothing more, lets what is under way end, and lets go of the connections. */
  async close(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#writing)
    await this.#recovering
    await Promise.all(this.#options.writers.map(async (writer) => writer.close()))
  }

  /** Puts another writer to work where there is one, and enough for it to do. */
  #beginWriting(): void {
    if (this.#writing.size > 0 && this.#waitingBytes < OWN_BATCH_BYTES) return
    const writer = this.#idle.pop()
    if (writer === undefined) return
    const writing = this.#writeAll(writer).finally(() => {
      this.#writing.delete(writing)
      this.#idle.push(writer)
      // What came since the writer found nothing more.
      if (this.#waiting.length > 0) this.#beginWriting()
    })
    this.#writing.add(writing)
  }

  async #writeAll(writer: RecordWriter): Promise<void> {
    // Requests that come in the same turn go together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#take()
      try {
        await this.#write(writer, batch)
        for (const { done } of batch) done()
      } catch (error) {
        if (!isTooLarge(error)) this.#fail(batch, error)
        else if (batch.length === 1) for (const { failed } of batch) failed(tooLarge())
        else await this.#writeOneByOne(writer, batch)
      }
    }
  }

  /** Which of them is too large, the broker does not say (I4). */
  async #writeOneByOne(writer: RecordWriter, batch: readonly Append[]): Promise<void> {
    for (const [index, append] of batch.entries()) {
      try {
        await this.#write(writer, [append])
        append.done()
      } catch (error) {
        if (!isTooLarge(error)) return this.#fail(batch.slice(index), error)
        append.failed(tooLarge())
      }
    }
  }

  #take(): Append[] {
    let count = 0
    for (let bytes = 0; count < this.#waiting.length && (count === 0 || bytes < BATCH_BYTES); count++)
      bytes += (this.#waiting[count] as Append).lines.length
    const taken = this.#waiting.splice(0, count)
    for (const { lines } of taken) this.#waitingBytes -= lines.length
    return taken
  }

  async #write(writer: RecordWriter, batch: readonly Append[]): Promise<void> {
    const { topics, idFields } = this.#options
    for (const { stream, lines } of batch) {
      // The request's own bytes are used again, whatever becomes of a connection that still holds some of these.
      for (const value of linesOf(Buffer.from(lines)))
        if (!isBlank(value)) writer.add({ topic: topics[stream], key: keyOf(value, idFields[stream]), value })
    }
    await writer.flush()
  }

  #fail(batch: readonly Append[], cause: unknown): void {
    const reason = messageOf(cause)
    const { source, log } = this.#options
    const problem = `Events over HTTP cannot be written to the topics of "${source}": ${reason}`
    // Batches beside this one will hardly do better, and say nothing new.
    if (this.#problem === null) log('warn', `${problem} Nothing is taken until they can.`)
    this.#problem ??= problem
    const error = new TidemarkError('KAFKA_UNAVAILABLE', problem, { retryable: true, fix: fixOf(cause), cause })
    for (const { failed } of [...batch, ...this.#waiting.splice(0)]) failed(error)
    this.#waitingBytes = 0
    this.#recovering ??= this.#recover().finally(() => (this.#recovering = undefined))
  }

  /** Asks until the brokers answer again (I3). */
  async #recover(): Promise<void> {
    const { probe, pause, source, log } = this.#options
    const { signal } = this.#ending
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs)) {
      await pause(retryMs, signal)
      if (signal.aborted) return
      try {
        await probe()
        this.#problem = null
        return log('info', `Events over HTTP are written to the topics of "${source}" again.`)
      } catch {
        // It is still as it was told.
      }
    }
  }

  #closed(): TidemarkError {
    const reason = this.#problem ?? 'The topics take nothing more: the run is stopping.'
    return new TidemarkError('KAFKA_UNAVAILABLE', reason, {
      retryable: true,
      fix: this.#problem === null ? 'send it again once the run is back' : BROKERS_FIX,
    })
  }
}

function fixOf(cause: unknown): string {
  return (cause instanceof TidemarkError ? cause.fix : undefined) ?? BROKERS_FIX
}

/** Blank lines hold no record. */
function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte <= SPACE)
}

function longestLine(lines: Uint8Array): number {
  let longest = 0
  for (let from = 0; from < lines.length;) {
    const lf = lines.indexOf(LINE_FEED, from)
    const to = lf < 0 ? lines.length : lf
    longest = Math.max(longest, to - from)
    from = to + 1
  }
  return longest
}

function tooLarge(): TidemarkError {
  const limit = MAX_RECORD_BYTES.toLocaleString('en-US')
  return new TidemarkError('INPUT_BAD_DATA', `An event is longer than its topic takes (${limit} bytes at most).`, {
    fix: 'shorten it',
  })
}

/** Whether brokers refused a batch for its size. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('apiId' in error && (error.apiId === 'MESSAGE_TOO_LARGE' || error.apiId === 'RECORD_LIST_TOO_LARGE')) return true
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : []
  return [error.cause, ...inner].some(isTooLarge)
}
