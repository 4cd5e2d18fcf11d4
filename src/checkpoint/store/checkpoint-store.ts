/**
 * Checkpoints on disk: one file for each epoch, which holds what is new since the one before. To restore an epoch takes the
 * files from the oldest that it still needs up to its own.
 *
 * S1  A file appears whole and durable, or not at all; until then the one that had its name stays as it was.
 * S2  Missing, damaged and newer are told apart, and none of them is taken for another checkpoint.
 * S3  Nothing is removed unless asked, and nothing that an epoch from the given one on needs.
 * S4  When the disk fails, nothing more is written, and the process has to end. A full disk may be tried again.
 */
import { dirname, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TidemarkError } from '../../errors.ts'
import { diskFailed, diskFull, isNoSpace } from '../disk/disk-errors.ts'
import type { Disk } from '../disk/disk.ts'
import { removeUnfinished, writeWhole } from '../disk/write-whole.ts'
import {
  checkpointFileName,
  encodeCheckpointHead,
  epochOfCheckpointFile,
  type CheckpointHead,
  type CheckpointSection,
} from '../format/checkpoint-file.ts'
import { crc32c } from '../format/crc32c.ts'
import { checkpointError } from './checkpoint-error.ts'
import {
  readBody,
  readHead,
  type CheckpointBody,
  type CheckpointFile,
  type CheckpointProblem,
} from './checkpoint-reading.ts'

/** What is summed up in one turn of the event loop: about 0.3 ms. */
const SUMMED_BYTES = 1 << 20

/** The files that restore an epoch, the oldest first, or why they cannot. */
export type CheckpointChain = { readonly kind: 'found'; readonly files: readonly CheckpointFile[] } | CheckpointProblem

/** A checkpoint with what it holds. */
export interface LoadedCheckpoint extends CheckpointHead, CheckpointBody {}

/** The checkpoints of one data folder. */
export class CheckpointStore {
  readonly #disk: Disk
  readonly #folder: string
  #failure: TidemarkError | undefined

  private constructor(disk: Disk, folder: string) {
    this.#disk = disk
    this.#folder = folder
  }

  /**
   * Opens the checkpoints in a folder, which is made inside of one that exists.
   *
   * @throws TidemarkError DISK_FAILED
   */
  static async open(disk: Disk, folder: string): Promise<CheckpointStore> {
    try {
      disk.makeFolder(folder)
      await disk.syncFolder(dirname(folder))
      await removeUnfinished(disk, folder)
      return new CheckpointStore(disk, folder)
    } catch (error) {
      throw diskFailed(folder, 'open the checkpoints in', error)
    }
  }

  /** Epochs that have a file, in order. */
  list(): readonly number[] {
    return this.#disk.list(this.#folder).flatMap(({ name }) => epochOfCheckpointFile(name) ?? [])
  }

  /**
   * Writes the checkpoint of an epoch; one that is there already is replaced. Resolves, with its length, once it is durable.
   *
   * @throws TidemarkError DISK_FULL, which is retryable; DISK_FAILED, which is final
   */
  async write(head: CheckpointHead, sections: readonly CheckpointSection[]): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure
    refuseImpossible(head)
    const parts = [encodeCheckpointHead(head, sections, await summed(sections)), ...sections.map(({ bytes }) => bytes)]
    try {
      await writeWhole(this.#disk, join(this.#folder, checkpointFileName(head.epoch)), parts)
      return parts.reduce((sum, part) => sum + part.length, 0)
    } catch (error) {
      if (isNoSpace(error)) throw diskFull(this.#folder, error)
      this.#failure = diskFailed(this.#folder, 'write a checkpoint to', error)
      throw this.#failure
    }
  }

  /**
   * The files that restore an epoch, their heads checked. Read each with {@link CheckpointStore.read}.
   *
   * @throws TidemarkError DISK_FAILED
   */
  chain(epoch: number): CheckpointChain {
    const last = this.#head(epoch)
    if (last.kind !== 'found') return last
    const files = [last]
    for (let file = last; file.epoch !== last.neededFrom;) {
      const { previousEpoch = -1 } = file
      if (previousEpoch < last.neededFrom) return notLeading(file, last.neededFrom)
      const before = this.#head(previousEpoch)
      if (before.kind !== 'found') return before
      files.unshift(before)
      file = before
    }
    return { kind: 'found', files }
  }

  /**
   * What a file of a chain holds, checked.
   *
   * @throws TidemarkError DISK_FAILED
   */
  read(file: CheckpointFile): CheckpointBody | CheckpointProblem {
    return this.#reading(() => readBody(this.#disk, file))
  }

  /**
   * All that restores an epoch, checked, the oldest file first.
   *
   * @throws TidemarkError CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, FORMAT_NEWER, DISK_FAILED
   */
  load(epoch: number): readonly LoadedCheckpoint[] {
    const chain = this.chain(epoch)
    if (chain.kind !== 'found') throw checkpointError(chain)
    return chain.files.map((file) => {
      const body = this.read(file)
      if ('kind' in body) throw checkpointError(body)
      return { ...file, ...body }
    })
  }

  /**
   * Removes the files of epochs before `neededFrom`, and so of all that nothing from the checkpoint that says so on needs.
   *
   * @returns how many went
   * @throws TidemarkError DISK_FAILED
   */
  async dropBefore(neededFrom: number): Promise<number> {
    return this.#drop(this.list().filter((epoch) => epoch < neededFrom))
  }

  /** Removes the files of epochs after one: written, but never committed. The newest goes first. */
  async dropAfter(epoch: number): Promise<number> {
    return this.#drop(
      this.list()
        .filter((other) => other > epoch)
        .toReversed(),
    )
  }

  async #drop(epochs: readonly number[]): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      for (const epoch of epochs) await this.#disk.remove(join(this.#folder, checkpointFileName(epoch)))
      if (epochs.length > 0) await this.#disk.syncFolder(this.#folder)
      return epochs.length
    } catch (error) {
      this.#failure = diskFailed(this.#folder, 'remove checkpoints in', error)
      throw this.#failure
    }
  }

  #head(epoch: number): CheckpointFile | CheckpointProblem {
    return this.#reading(() => readHead(this.#disk, this.#folder, epoch))
  }

  #reading<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw diskFailed(this.#folder, 'read checkpoints in', error)
    }
  }
}

/** Checksums of the sections; whatever else the process has to do goes on meanwhile. */
async function summed(sections: readonly CheckpointSection[]): Promise<readonly number[]> {
  const checksums: number[] = []
  let bytesOfTurn = 0
  for (const { bytes } of sections) {
    let checksum = 0
    for (let from = 0; from < bytes.length; from += SUMMED_BYTES) {
      const to = Math.min(bytes.length, from + SUMMED_BYTES)
      if ((bytesOfTurn += to - from) > SUMMED_BYTES) {
        await nextTurn()
        bytesOfTurn = to - from
      }
      checksum = crc32c(bytes, from, to, checksum)
    }
    checksums.push(checksum)
  }
  return checksums
}

function refuseImpossible({ epoch, previousEpoch = -1, neededFrom }: CheckpointHead): void {
  const isPossible = neededFrom === epoch || (neededFrom <= previousEpoch && previousEpoch < epoch)
  if (!isPossible || !Number.isSafeInteger(epoch) || epoch < 0)
    throw new RangeError(`epoch ${epoch} after ${previousEpoch} cannot need epoch ${neededFrom}`)
}

function notLeading({ epoch, path }: CheckpointFile, neededFrom: number): CheckpointProblem {
  return { kind: 'damaged', epoch, path, reason: `it does not lead to epoch ${neededFrom}` }
}
