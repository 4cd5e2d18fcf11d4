/**
 * What goes wrong with a disk: full may pass, anything else is final.
 */
import { codeOf, messageOf, TidemarkError } from '../../errors.ts'

/** The disk cannot be trusted any more: a failed sync may have lost what it was to make durable. */
export function diskFailed(path: string, doing: string, cause: unknown): TidemarkError {
  return new TidemarkError(
    'DISK_FAILED',
    `Could not ${doing} ${path}: ${messageOf(cause)}. Nothing more is accepted.`,
    {
      where: path,
      fix: 'check the disk, then start again: what was acknowledged is read back from it',
      cause,
    },
  )
}

/** There is no room; the same append may succeed later. */
export function diskFull(folder: string, cause?: unknown): TidemarkError {
  const details = cause === undefined ? {} : { cause }
  return new TidemarkError(
    'DISK_FULL',
    `No room left in ${folder}: less than the reserve would be free, or the disk is full.`,
    {
      where: folder,
      retryable: true,
      fix: 'free disk space; intake goes on by itself',
      ...details,
    },
  )
}

/** Whether the system says that a disk, or a share of it, is full. */
export function isNoSpace(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')
}

/** A failed sync is never taken for a full disk, whatever the system calls it: what it was to write may be gone. */
export async function synced(sync: Promise<void>): Promise<void> {
  try {
    await sync
  } catch (error) {
    throw new Error(`sync failed: ${messageOf(error)}`, { cause: error })
  }
}

/** Whether the system says that there is no such file. */
export function isNoFile(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}
