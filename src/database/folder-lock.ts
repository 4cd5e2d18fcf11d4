/**
 * One running instance per folder.
 *
 * L1  The lock is the operating system's: it is held while the process that took it lives and not a moment longer,
 *     however that one ends. No lock is ever stale, so none is ever taken over, and of many that ask at once exactly
 *     one gets it.
 * L2  Who holds it stands in a file beside it, for messages only.
 *
 * SQLite, which Node brings, asks the system for it: an exclusive transaction on an empty database that is never
 * written. The lock file is never opened in another way: closing any descriptor of it would give the lock up.
 */
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, TidemarkError } from '../errors.ts'
import { isAlive } from './process-identity.ts'

const LOCK_FILE = 'running.lock'
const OWNER_FILE = 'running.pid'
const SQLITE_BUSY = 5
const SQLITE_NOT_A_DATABASE = 26

/** A lock that is held. */
export interface FolderLock {
  /** Safe to call twice. */
  release(): void
}

/** Kept from the garbage collector, which would close a lock that nobody mentions any more. */
const held = new Set<DatabaseSync>()

/**
 * Takes the lock of a folder.
 *
 * @param folder exists
 * @param what how messages call the folder's content, such as `data folder`
 * @throws TidemarkError DATA_DIR_BUSY, naming the process that holds it; DATA_DIR_UNUSABLE where the folder cannot be
 * written or its file system knows no locks
 */
export function lockFolder(folder: string, what: string): FolderLock {
  const path = join(folder, LOCK_FILE)
  const ownerPath = join(folder, OWNER_FILE)
  let lock: DatabaseSync | undefined
  try {
    // SQLite would say no more than "unable to open database file".
    accessSync(folder, constants.W_OK | constants.X_OK)
    lock = new DatabaseSync(path, { timeout: 0 })
    // Of a file that may only be read SQLite gives everybody a lock.
    accessSync(path, constants.W_OK)
    lock.exec('begin exclusive')
    writeFileSync(ownerPath, `${process.pid}\n`)
  } catch (error) {
    lock?.close()
    throw refusal(error, folder, what)
  }
  const taken = lock
  held.add(taken)
  return {
    release() {
      if (!held.delete(taken)) return
      rmSync(ownerPath, { force: true })
      taken.close()
    },
  }
}

function refusal(error: unknown, folder: string, what: string): TidemarkError {
  const state = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined
  if (state === SQLITE_BUSY) return busy(folder, what, ownerOf(folder))
  const reason = messageOf(error)
  return new TidemarkError('DATA_DIR_UNUSABLE', `The ${what} ${folder} cannot be used: ${reason}.`, {
    where: folder,
    fix:
      state === SQLITE_NOT_A_DATABASE
        ? `its ${LOCK_FILE} is not ours: move that file away`
        : 'choose another folder with --data-dir, or make this one writable for this user',
    cause: error,
  })
}

function ownerOf(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(folder, OWNER_FILE), 'utf8'))
    return Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined
  } catch {
    return undefined
  }
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
