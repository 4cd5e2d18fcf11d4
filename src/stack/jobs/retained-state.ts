/**
 * What Flink has kept of a job on this machine: checkpoints and savepoints, whoever took them.
 *
 * T1  A state is only one with its `_metadata`, which Flink writes last: an unfinished one is none.
 * T2  What cannot be read is an error: a job has no state only where none is there.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { codeOf, messageOf, TidemarkError } from '../../errors.ts'
import type { JobRecord } from './job-records.ts'

/** Where Flink's checkpoints and savepoints of a stack are. */
export function stateFolders(home: string): { readonly checkpoints: string; readonly savepoints: string } {
  return { checkpoints: join(home, 'flink', 'checkpoints'), savepoints: join(home, 'flink', 'savepoints') }
}

/**
 * The newest state that a job can go on from, as an URL; undefined where it would have to begin anew.
 *
 * @throws TidemarkError INPUT_MISSING where that cannot be seen
 */
export function newestState(home: string, { jobId, savepoint, startedFrom }: JobRecord): string | undefined {
  if (savepoint !== undefined) return savepoint
  const { checkpoints, savepoints } = stateFolders(home)
  const found = [
    ...statesIn(join(checkpoints, jobId), /^chk-\d+$/),
    // Flink names a savepoint after the first digits of its job.
    ...statesIn(savepoints, new RegExp(`^savepoint-${jobId.slice(0, 6)}-`)),
  ]
  const [newest] = found.toSorted((a, b) => b.writtenMs - a.writtenMs)
  return newest === undefined ? startedFrom : pathToFileURL(newest.folder).href
}

/** Whether a state is one of Flink's own checkpoints, which a job that begins from it may take over and remove. */
export function isCheckpoint(home: string, state: string): boolean {
  return state.startsWith('file:') && fileURLToPath(state).startsWith(join(stateFolders(home).checkpoints, '/'))
}

interface FoundState {
  readonly folder: string
  readonly writtenMs: number
}

function statesIn(folder: string, pattern: RegExp): readonly FoundState[] {
  return namesIn(folder)
    .filter((name) => pattern.test(name))
    .flatMap((name) => {
      const state = join(folder, name)
      const written = statSync(join(state, '_metadata'), { throwIfNoEntry: false })
      return written === undefined ? [] : [{ folder: state, writtenMs: written.mtimeMs }]
    })
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    const reason = messageOf(error)
    throw new TidemarkError('INPUT_MISSING', `What Flink has kept of the job cannot be read: ${reason}`, {
      where: folder,
      fix: 'make that folder readable, then try again',
      cause: error,
    })
  }
}
