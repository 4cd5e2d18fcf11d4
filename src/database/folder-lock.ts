/**
 * One running instance per folder.
 *
 * L1  The lock file appears whole: it is written aside and linked into place.
 * L2  A lock counts only while the process that took it runs: a killed one leaves nothing in the way. Process numbers are
 *     given out again, so the lock names the start of the process too.
 * L3  Of several that find the same dead lock, one takes its place.
 */
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TidemarkError } from '../errors.ts'
import { startMark } from './process-identity.ts'

/** A lock that is held. */
export interface FolderLock {
  /** Safe to call twice. */
  release(): void
}

interface LockOwner {
  readonly pid: number
  readonly start: string
}

/**
 * Takes the lock of a folder.
 *
 * @param folder exists and is writable
 * @param what how messages call the folder's content, such as `data folder`
 * @throws TidemarkError DATA_DIR_BUSY, naming the process that holds it
 */
export function lockFolder(folder: string, what: string): FolderLock {
  const path = join(folder, 'instance.lock')
  const mine: LockOwner = { pid: process.pid, start: startMark(process.pid) ?? '' }
  for (let attempt = 0; attempt < 5; attempt++) {
    if (tryLink(path, mine)) return { release: () => releaseLock(path, mine) }
    const owner = readOwner(path)
    if (owner !== undefined && startMark(owner.pid) === owner.start) throw busy(folder, what, owner.pid)
    removeDead(path, owner)
  }
  throw busy(folder, what, readOwner(path)?.pid)
}

function tryLink(path: string, owner: LockOwner): boolean {
  const aside = `${path}.${owner.pid}`
  writeFileSync(aside, JSON.stringify(owner))
  try {
    linkSync(aside, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(aside)
  }
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || !('start' in owner)) return undefined
    return { pid: Number(owner.pid), start: String(owner.start) }
  } catch {
    return undefined
  }
}

// Between the look and the removal another process may have taken the lock: then what was moved away is put back.
function removeDead(path: string, dead: LockOwner | undefined): void {
  const aside = `${path}.dead.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  const moved = readOwner(aside)
  if (moved !== undefined && (moved.pid !== dead?.pid || moved.start !== dead.start)) linkSync(aside, path)
  unlinkSync(aside)
}

function releaseLock(path: string, mine: LockOwner): void {
  const owner = readOwner(path)
  if (owner?.pid === mine.pid && owner.start === mine.start) unlinkSync(path)
}

function busy(folder: string, what: string, pid: number | undefined): TidemarkError {
  const holder = pid === process.pid ? 'this very process' : pid === undefined ? 'another process' : `process ${pid}`
  return new TidemarkError('DATA_DIR_BUSY', `The ${what} ${folder} is in use by ${holder}.`, {
    where: folder,
    fix:
      pid === undefined || pid === process.pid
        ? 'use another folder with --data-dir'
        : `stop it (kill -INT ${pid}), or use another folder with --data-dir`,
  })
}
