/**
 * Checks of the data folder: whether it can be written, and how much room its disk has.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { messageOf } from '../errors.ts'
import { type Check, fail, formatBytes, ok, warn } from './check.ts'

/** A fresh cluster takes 40 MB; its write-ahead log grows to 1 GB before it is recycled. */
const MIN_DISK_BYTES = 300e6
const GOOD_DISK_BYTES = 2e9

/** Both checks of a data folder, which need not exist yet. */
export function checkDataFolder(dataDir: string): readonly Check[] {
  const folder = resolve(dataDir)
  const existing = nearestExisting(folder)
  return [checkWritable(folder, existing), checkDisk(existing)]
}

/** The folder itself, or the nearest one above it that is there. */
export function nearestExisting(folder: string): string {
  let at = folder
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  return at
}

function checkWritable(folder: string, existing: string): Check {
  try {
    if (existing !== folder) {
      accessSync(existing, constants.W_OK | constants.X_OK)
      return ok('data folder', `${folder} (made when needed)`)
    }
    writeAndForget(folder)
    return ok('data folder', folder)
  } catch (error) {
    const why = messageOf(error)
    return fail('data folder', `${folder} cannot be written: ${why}`, 'Use another folder with --data-dir.')
  }
}

// A disk that is full or mounted read-only shows only when something is really written.
function writeAndForget(folder: string): void {
  const path = join(folder, `.doctor-${process.pid}`)
  const file = openSync(path, 'wx')
  try {
    writeSync(file, 'tidemark')
    fsyncSync(file)
  } finally {
    closeSync(file)
    unlinkSync(path)
  }
}

function checkDisk(existing: string): Check {
  const { bavail, bsize } = statfsSync(existing)
  const freeBytes = bavail * bsize
  const found = `${formatBytes(freeBytes)} free at ${existing}`
  const fix = 'Free some room there, or use a folder on another disk with --data-dir.'
  if (freeBytes < MIN_DISK_BYTES) return fail('disk', `${found}; needed: ${formatBytes(MIN_DISK_BYTES)}`, fix)
  return freeBytes < GOOD_DISK_BYTES
    ? warn('disk', `${found}; advised: ${formatBytes(GOOD_DISK_BYTES)}`, fix)
    : ok('disk', found)
}
