/**
 * Who starts a job of a folder: one process at a time. Flink lists a job only once it is planned, which takes half a
 * minute, so two who look before they start would both start it.
 *
 * W1  From the look for a running job to the record of the new one nobody else starts one of the same folder.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { lockFolder, type FolderLock } from '../../database/folder-lock.ts'
import { TidemarkError } from '../../errors.ts'

/**
 * Takes the right to start a job of a stack's folder, until it is released.
 *
 * @throws TidemarkError FLINK_BUSY where another process has it
 */
export function lockStarts(home: string): FolderLock {
  const folder = join(home, 'jobs')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    return lockFolder(folder, 'folder of Flink jobs')
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code !== 'DATA_DIR_BUSY') throw error
    throw new TidemarkError('FLINK_BUSY', 'A Flink job of this folder is being started already.', {
      where: folder,
      fix: './tidemark flink status',
      cause: error,
    })
  }
}
