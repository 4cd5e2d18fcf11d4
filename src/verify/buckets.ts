/**
 * Rows of text split by a hash of an id into buckets, which grow in memory first and on disk when there are too many.
 *
 * B1  Rows of one id are in one bucket, in the order in which they were added.
 * B2  What is held in memory stays below the given number of characters, whatever is added.
 * B3  A row is a fixed number of texts. None of them holds U+0000, so that parts them.
 */

import { hashText } from '../text/hash-text.ts'

/** Where buckets go that do not fit in memory: named texts that only grow. */
export interface SpillDisk {
  append(name: string, text: string): void
  /** The whole text in pieces, cut anywhere between characters. */
  read(name: string): Iterable<string>
  remove(name: string): void
}

/** How rows are split. */
export interface BucketOptions {
  readonly disk: SpillDisk
  /** Begins the names of this set of buckets on the disk. */
  readonly name: string
  /** Texts in a row. */
  readonly width: number
  /** Which of them is the id to split by. */
  readonly idAt: number
  /** Characters that may wait in memory, all buckets together. */
  readonly waitingChars: number
  /** How often the ids were split before: each time another hash is used. */
  readonly level: number
}

/** Into how many buckets rows are split. */
export const BUCKET_COUNT = 64

const END = '\0'

/** One bucket. */
export class Bucket {
  readonly options: BucketOptions
  readonly name: string
  #waiting: string[] = []
  #isOnDisk = false
  /** Characters in it, wherever they are. */
  chars = 0

  constructor(options: BucketOptions, index: number) {
    this.options = options
    this.name = `${options.name}-${index}`
  }

  add(text: string): void {
    this.#waiting.push(text)
    this.chars += text.length
  }

  /** Moves what waits in memory to the disk. */
  flush(): void {
    if (this.#waiting.length === 0) return
    this.options.disk.append(this.name, this.#waiting.join(''))
    this.#waiting = []
    this.#isOnDisk = true
  }

  /** Reads its rows in order, then forgets them. */
  *take(): Generator<readonly string[]> {
    const { disk, width } = this.options
    if (this.#isOnDisk) {
      yield* rowsOf(disk.read(this.name), width)
      disk.remove(this.name)
    }
    yield* rowsOf(this.#waiting, width)
    this.#waiting = []
  }
}

/** A set of buckets. */
export class Buckets {
  readonly all: readonly Bucket[]
  readonly #options: BucketOptions
  #waitingChars = 0

  constructor(options: BucketOptions) {
    this.#options = options
    this.all = Array.from({ length: BUCKET_COUNT }, (_, index) => new Bucket(options, index))
  }

  /** Adds a row to the bucket of its id. */
  add(row: readonly string[]): void {
    const { idAt, level, waitingChars } = this.#options
    const text = row.join(END) + END
    this.all[bucketOf(row[idAt] ?? '', level)]?.add(text)
    this.#waitingChars += text.length
    if (this.#waitingChars < waitingChars) return
    for (const bucket of this.all) bucket.flush()
    this.#waitingChars = 0
  }
}

/** Splits a bucket into a set of its own, by another hash. Leaves it empty. */
export function splitBucket(bucket: Bucket): Buckets {
  const buckets = new Buckets({ ...bucket.options, name: bucket.name, level: bucket.options.level + 1 })
  for (const row of bucket.take()) buckets.add(row)
  return buckets
}

function* rowsOf(pieces: Iterable<string>, width: number): Generator<readonly string[]> {
  let cut = ''
  let texts: string[] = []
  for (const piece of pieces) {
    texts = texts.concat((cut + piece).split(END))
    // What stands behind the last end is not ended yet.
    cut = texts.pop() ?? ''
    const whole = texts.length - (texts.length % width)
    for (let at = 0; at < whole; at += width) yield texts.slice(at, at + width)
    texts = texts.slice(whole)
  }
}

/** The bucket of an id: its hash, seeded by the level, its bits mixed at the end. */
function bucketOf(id: string, level: number): number {
  let hash = hashText(id, Math.imul(level, 0x9e3779b1))
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) % BUCKET_COUNT
}
