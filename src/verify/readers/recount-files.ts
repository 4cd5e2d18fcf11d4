/**
 * The recount of files, with bounded memory.
 */
import { STREAM_NAMES, type Plan, type StreamName } from '../../pipeline/plan.ts'
import type { Recount } from '../recount.ts'
import { recountSpilled, type SpillPartition, type SpillStep } from '../spill.ts'
import { decodeUtf8 } from './decode-utf8.ts'
import { inputBytes, requireReadable } from './input-file.ts'
import { fileBatches } from './lines.ts'
import { withSpillFolder } from './spill-folder.ts'

/** Files by stream; each is one partition. */
export type InputFiles = Readonly<Record<StreamName, readonly string[]>>

/** How files are recounted. */
export interface RecountFilesOptions {
  /** How much memory events may take, roughly, in bytes. */
  readonly memoryBytes?: number
  /** Stops the reading. */
  readonly signal?: AbortSignal
  /** Awaited now and then; what it throws stops the work. */
  readonly onStep?: (step: SpillStep) => Promise<void> | void
}

const MEMORY_BYTES = 512 * 1_048_576

/**
 * Recounts files of any size.
 *
 * @throws TidemarkError INPUT_MISSING before anything is read, INPUT_CORRUPT, or the reason of `signal`
 */
export async function recountFiles(plan: Plan, files: InputFiles, options: RecountFilesOptions = {}): Promise<Recount> {
  await requireReadable(STREAM_NAMES.flatMap((stream) => files[stream]))
  const partitions = STREAM_NAMES.flatMap((stream) =>
    files[stream].map((name): SpillPartition => ({
      stream,
      name,
      batches: fileBatches(inputBytes(name, options.signal)),
    })),
  )
  return await withSpillFolder((disk) =>
    recountSpilled(plan, partitions, {
      ...options,
      memoryBytes: options.memoryBytes ?? MEMORY_BYTES,
      disk,
      decodeUtf8,
    }),
  )
}
