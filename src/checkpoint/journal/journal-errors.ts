/**
 * What goes wrong with a journal, as errors a user can act on.
 */
import { TidemarkError } from '../../errors.ts'

/** Where in a file something was found. */
export interface Place {
  readonly partition: string
  readonly path: string
  /** Byte of the file. */
  readonly at: number
  /** Logical offset in the partition; everything before it is intact. */
  readonly offset: number
}

/** What was acknowledged cannot be read any more. */
export function corrupt(place: Place, what: string, fix: string): TidemarkError {
  return new TidemarkError(
    'JOURNAL_CORRUPT',
    `The journal of "${place.partition}" is damaged: ${place.path}, byte ${place.at}: ${what}. ` +
      `Everything before logical offset ${place.offset} is intact.`,
    { where: place.path, fix },
  )
}

/** The way out without a copy. */
export const SKIP_DAMAGE = 'or count without what cannot be read: ./tidemark rebuild --skip-damage'

/** How to go on from damage in the middle. */
export function restoreFix(path: string): string {
  return `restore ${path} from a copy (the tables keep what was counted), ${SKIP_DAMAGE}`
}

/** A part that retention has removed, or that someone has. */
export function missing(
  partition: string,
  folder: string,
  offset: number,
  earliest: number,
  end: number,
): TidemarkError {
  return new TidemarkError(
    'JOURNAL_MISSING',
    `The journal of "${partition}" does not hold logical offset ${offset}: it goes from ${earliest} to ${end}.`,
    { where: folder, fix: 'restore the folder from a copy, or recount what is there: tidemark rebuild' },
  )
}

/** A partition in a folder of another name: a copy, or one that was renamed. */
export function misplaced(folder: string, partition: string): TidemarkError {
  return new TidemarkError(
    'JOURNAL_CORRUPT',
    `${folder} holds the partition "${partition}", whose folder is another.`,
    {
      where: folder,
      fix: 'move the folder out of the journal, or give it its old name back',
    },
  )
}

/** Written by a newer version of this program. */
export function newer(path: string, version: number, known: number): TidemarkError {
  return new TidemarkError(
    'FORMAT_NEWER',
    `${path} has format version ${version}; this program reads up to ${known}.`,
    {
      where: path,
      fix: 'run the version of tidemark that wrote it, or a later one',
    },
  )
}

/** More is waiting for the disk than memory may hold. */
export function busy(queuedBytes: number): TidemarkError {
  return new TidemarkError('JOURNAL_BUSY', `${queuedBytes} bytes are waiting for the disk; try again.`, {
    retryable: true,
    fix: 'a faster disk, or fewer events at a time',
  })
}
