/**
 * Reading checkpoint files: missing is not damaged, and neither is newer.
 */
import { join } from 'node:path'
import { isNoFile } from '../disk/disk-errors.ts'
import type { Disk, DiskFile } from '../disk/disk.ts'
import {
  CHECKPOINT_FIXED_BYTES,
  checkpointFileName,
  checkpointHeadBytes,
  decodeCheckpointHead,
  type CheckpointHead,
  type CheckpointSection,
  type SectionPlace,
} from '../format/checkpoint-file.ts'
import { crc32c } from '../format/crc32c.ts'

/** Why a checkpoint cannot be read. */
export type CheckpointProblem =
  | { readonly kind: 'missing'; readonly epoch: number; readonly path: string }
  | { readonly kind: 'damaged'; readonly epoch: number; readonly path: string; readonly reason: string }
  | { readonly kind: 'newer'; readonly epoch: number; readonly path: string; readonly version: number }

/** A checkpoint file whose head was checked; its sections are checked when they are read. */
export interface CheckpointFile extends CheckpointHead {
  readonly kind: 'found'
  readonly path: string
  readonly byteLength: number
  readonly sections: readonly SectionPlace[]
}

/** Reads and checks the head of the file of an epoch. */
export function readHead(disk: Disk, folder: string, epoch: number): CheckpointFile | CheckpointProblem {
  const path = join(folder, checkpointFileName(epoch))
  return withFile(disk, path, { kind: 'missing', epoch, path }, (file) => {
    const size = file.size()
    const fixed = read(file, 0, Math.min(size, CHECKPOINT_FIXED_BYTES))
    const headBytes = Math.min(size, checkpointHeadBytes(fixed))
    const reading = decodeCheckpointHead(headBytes <= fixed.length ? fixed : read(file, 0, headBytes))
    if ('problem' in reading) {
      const { problem: kind, ...rest } = reading
      return { epoch, path, kind, ...rest } as CheckpointProblem
    }
    const { head, sections, fileBytes } = reading
    const damaged = (reason: string): CheckpointProblem => ({ kind: 'damaged', epoch, path, reason })
    if (head.epoch !== epoch) return damaged(`it holds epoch ${head.epoch}`)
    if (fileBytes !== size) return damaged(`it has ${size} bytes instead of ${fileBytes}`)
    return { kind: 'found', path, byteLength: size, sections, ...head }
  })
}

/** What a checkpoint file holds. */
export interface CheckpointBody {
  /** All sections, one after the other. */
  readonly payload: Uint8Array
  /** The sections, as parts of the payload. */
  readonly sections: readonly CheckpointSection[]
}

/** Reads what a file holds, checked. */
export function readBody(disk: Disk, checkpoint: CheckpointFile): CheckpointBody | CheckpointProblem {
  const { epoch, path, sections: places, byteLength } = checkpoint
  const bodyStart = places[0]?.start ?? byteLength
  return withFile<CheckpointBody | CheckpointProblem>(disk, path, { kind: 'missing', epoch, path }, (file) => {
    const payload = read(file, bodyStart, byteLength - bodyStart)
    const sections: CheckpointSection[] = []
    for (const { type, crc, start, byteLength: length } of places) {
      const bytes = payload.subarray(start - bodyStart, start - bodyStart + length)
      if (bytes.length !== length || crc32c(bytes) !== crc)
        return { kind: 'damaged', epoch, path, reason: `section ${sections.length} does not match its checksum` }
      sections.push({ type, bytes })
    }
    return { payload, sections }
  })
}

function withFile<T>(disk: Disk, path: string, missing: T, work: (file: DiskFile) => T): T {
  let file: DiskFile
  try {
    file = disk.open(path, 'read')
  } catch (error) {
    if (isNoFile(error)) return missing
    throw error
  }
  try {
    return work(file)
  } finally {
    file.close()
  }
}

function read(file: DiskFile, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let count = 0
  while (count < length) {
    const more = file.read(bytes.subarray(count), at + count)
    if (more === 0) break
    count += more
  }
  return bytes.subarray(0, count)
}
