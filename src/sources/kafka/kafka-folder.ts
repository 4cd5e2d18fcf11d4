/**
 * What a run on Kafka keeps beside its checkpoints: which topics it reads, from where, and the stamps.
 *
 * Kafka keeps the events, but two classes of the ledger also depend on when an event was read: `late` on W at that
 * moment, where a partition had been idle and W had passed it, and `future` on the wall clock. A stamp says of a range
 * of offsets what W and the clock were when it was read. Only ranges for which that made a difference have one. With
 * the stamps the classes are a function of the topic again, and `verify` can recount them.
 *
 * F1  The stamps of an epoch are on disk before its checkpoint is; those of an epoch that was never committed are
 *     dropped at the next start, when their offsets are read anew.
 *     A run keeps none of them in memory once they are written.
 *     What stood on offsets that retention has removed since goes, too: nothing can be recounted from them.
 * F2  A topic is known by its id from before its first record is read: one that was removed and made again is noticed.
 * F3  So is, before a checkpoint, which leader epochs its positions are of: a log that was cut back while nobody read
 *     it is noticed at the next start.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
  appendFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { TidemarkError } from '../../errors.ts'
import type { StreamName } from '../../pipeline/plan.ts'
import { makeFolder } from '../../runtime/make-folder.ts'
import type { Positions } from '../../runtime/ports.ts'

/** What W and the clock were when the offsets [from, to) of a partition were read. */
export interface Stamp {
  /** Name of the partition: `source/stream-number`. */
  readonly partition: string
  readonly from: number
  readonly to: number
  readonly floorMs: number
  readonly arrivalMs: number
}

/** A leader epoch, and the first position that was reached in it. */
interface LeaderEpoch {
  readonly from: number
  readonly epoch: number
}

/** A topic as it was when it was first read. */
export interface KnownTopic {
  readonly topic: string
  readonly id: string
  /** Where each partition's reading began. */
  readonly from: readonly number[]
}

const TOPICS_FILE = 'topics.json'
const STAMPS_FILE = 'stamps.ndjson'
const EPOCHS_FILE = 'leader-epochs.json'
/** Of each partition: a start needs that of a position of late. */
const KEPT_EPOCHS = 16
/** A file that is smaller is left as it is. */
const PRUNED_BYTES = 1 << 20

export class KafkaFolder {
  readonly #path: string
  readonly #topics: Map<string, KnownTopic>
  /** Leader epochs of each partition, in the order of their offsets, and whether they are on disk. */
  readonly #epochs: Record<string, LeaderEpoch[]>
  #areEpochsWritten = true
  /** Stamps of the epochs that are not written yet. */
  #waiting: Stamp[] = []
  /** Up to where stamps were dropped last, and what was left. */
  #prunedTo: Positions = {}
  #prunedBytes = 0

  /**
   * @param path the folder; it is made by the first {@link remember}
   * @throws TidemarkError DATA_DIR_UNUSABLE where a file in it is damaged; so do those that read stamps
   */
  constructor(path: string) {
    this.#path = path
    this.#epochs = readJson<Record<string, LeaderEpoch[]>>(join(path, EPOCHS_FILE), {})
    this.#topics = new Map(Object.entries(readJson<Record<string, KnownTopic>>(join(path, TOPICS_FILE), {})))
  }

  /** The topic of a source's stream; undefined where it was never read. */
  topicOf(source: string, stream: StreamName): KnownTopic | undefined {
    return this.#topics.get(`${source}/${stream}`)
  }

  /** What of `positions` is about journals: everything but partitions of known topics. */
  withoutTopics(positions: Positions): Positions {
    const isTopic = (name: string): boolean => this.#topics.has(name.replace(/-\d+$/, ''))
    return Object.fromEntries(Object.entries(positions).filter(([name]) => !isTopic(name)))
  }

  /** Makes it known, durably (F2). */
  remember(source: string, stream: StreamName, known: KnownTopic): void {
    this.#topics.set(`${source}/${stream}`, known)
    makeFolder(this.#path)
    this.#writeWhole(TOPICS_FILE, `${JSON.stringify(Object.fromEntries(this.#topics), undefined, 2)}\n`)
  }

  /** Keeps which leader took in the record before `position`, up to which a partition was read. */
  noteLeaderEpoch(partition: string, position: number, epoch: number): void {
    const epochs = this.#epochs[partition] ?? []
    if (epoch < 0 || epochs.at(-1)?.epoch === epoch) return
    const before = epochs.filter(({ from }) => from < position)
    this.#epochs[partition] = [...before, { from: position, epoch }].slice(-KEPT_EPOCHS)
    this.#areEpochsWritten = false
  }

  /** The leader epoch of the record before `position`; undefined where it is not known. */
  leaderEpochAt(partition: string, position: number): number | undefined {
    return this.#epochs[partition]?.findLast(({ from }) => from <= position)?.epoch
  }

  /** Keeps a stamp for the epoch that its offsets belong to. */
  add(stamp: Stamp): void {
    this.#waiting.push(stamp)
  }

  /** Makes the stamps of everything before `positions` durable (F1). */
  write(positions: Positions): void {
    this.#writeEpochs()
    const isBefore = ({ partition, to }: Stamp): boolean => to <= (positions[partition] ?? -1)
    const due = this.#waiting.filter(isBefore)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter((stamp) => !isBefore(stamp))
    const isNew = !existsSync(this.#stampsFile)
    appendFileSync(this.#stampsFile, due.map(lineOf).join(''))
    sync(this.#stampsFile)
    if (isNew) sync(this.#path)
  }

  #writeEpochs(): void {
    if (this.#areEpochsWritten) return
    this.#writeWhole(EPOCHS_FILE, `${JSON.stringify(this.#epochs)}\n`)
    this.#areEpochsWritten = true
  }

  /** Drops the stamps of what was read and never committed, and its leader epochs. */
  dropAfter(positions: Positions): void {
    for (const [partition, epochs] of Object.entries(this.#epochs)) {
      const committed = epochs.filter(({ from }) => from <= (positions[partition] ?? -1))
      if (committed.length === epochs.length) continue
      this.#epochs[partition] = committed
      this.#areEpochsWritten = false
    }
    const text = readText(this.#stampsFile)
    const stamps = parseStamps(text, this.#stampsFile)
    const kept = stamps.filter(({ partition, to }) => to <= (positions[partition] ?? -1))
    // The last one was being written when a run ended.
    const isTorn = text !== '' && !text.endsWith('\n')
    if (isTorn || kept.length < stamps.length) this.#writeWhole(STAMPS_FILE, kept.map(lineOf).join(''))
  }

  /**
   * Drops the stamps of what the topics no longer hold, once the file has doubled: to find them all of it is read.
   *
   * @param first the first offset of each partition that is still there
   */
  prune(first: Positions): void {
    const isSame = Object.entries(first).every(([partition, offset]) => this.#prunedTo[partition] === offset)
    if (isSame || !existsSync(this.#stampsFile)) return
    const { size } = statSync(this.#stampsFile)
    if (size < Math.max(PRUNED_BYTES, 2 * this.#prunedBytes)) return
    const stamps = parseStamps(readText(this.#stampsFile), this.#stampsFile)
    const text = stamps
      .filter(({ partition, to }) => to > (first[partition] ?? 0))
      .map(lineOf)
      .join('')
    if (text.length < size) this.#writeWhole(STAMPS_FILE, text)
    this.#prunedTo = first
    this.#prunedBytes = text.length
  }

  /** Written stamps of a partition, in the order of its offsets. */
  stampsOf(partition: string): readonly Stamp[] {
    return parseStamps(readText(this.#stampsFile), this.#stampsFile)
      .filter((stamp) => stamp.partition === partition)
      .toSorted((a, b) => a.from - b.from)
  }

  get #stampsFile(): string {
    return join(this.#path, STAMPS_FILE)
  }

  #writeWhole(name: string, text: string): void {
    const aside = join(this.#path, `${name}.new`)
    const fd = openSync(aside, 'w', 0o600)
    writeSync(fd, text)
    fsyncSync(fd)
    closeSync(fd)
    renameSync(aside, join(this.#path, name))
    sync(this.#path)
  }
}

function sync(path: string): void {
  const fd = openSync(path, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

function lineOf(stamp: Stamp): string {
  return `${JSON.stringify(stamp)}\n`
}

function parseStamps(text: string, file: string): Stamp[] {
  // No checkpoint stands on a line without its end.
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => {
    const { floorMs, ...stamp } = parse(line, file) as Omit<Stamp, 'floorMs'> & { floorMs: number | null }
    // JSON has no infinity: a watermark that no partition had yet is null.
    return { ...stamp, floorMs: floorMs ?? -Infinity }
  })
}

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function readJson<T>(file: string, otherwise: T): T {
  const text = readText(file)
  return text === '' ? otherwise : (parse(text, file) as T)
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TidemarkError('DATA_DIR_UNUSABLE', `${file} is damaged: it should be JSON.`, {
      where: file,
      fix: './tidemark run --replace (throws away what the folder holds and counts the topics again)',
      cause,
    })
  }
}
