/**
 * Files that appear whole and durable, or not at all: written under another name, synced, renamed, and the folder synced.
 */
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isNoSpace, synced } from './disk-errors.ts'
import type { Disk, DiskFile } from './disk.ts'

const UNFINISHED_SUFFIX = '.new'

/**
 * What is written before it is synced. A file system makes files durable together: the sync of any file waits for what others
 * have written so far, so that more at a time would hold up the journal.
 */
const SYNCED_BYTES = 1 << 20
/** After each it rests so many times as long as that took: others' syncs meet one of these in a few, not one after the other. */
const REST_SHARE = 2
/** All rests of a file together, ms: whoever waits for it waits no longer than that. */
const MAX_REST_MS = 200

/**
 * Makes the file at `path` hold exactly `parts`; one that has the name already stays whole until then. What a full disk left
 * unfinished is removed.
 */
export async function writeWhole(disk: Disk, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const unfinished = `${path}${UNFINISHED_SUFFIX}`
  try {
    await writeFile(disk, unfinished, parts)
    await disk.rename(unfinished, path)
  } catch (error) {
    if (isNoSpace(error)) await disk.remove(unfinished)
    throw error
  }
  await synced(disk.syncFolder(dirname(path)))
}

async function writeFile(disk: Disk, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = disk.open(path, 'create')
  try {
    const byteLength = byteLengthOf(parts)
    let leftMs = MAX_REST_MS
    let at = 0
    for (const piece of piecesOf(parts)) {
      const startMs = performance.now()
      await writeAll(file, piece, at)
      await synced(file.sync())
      at += byteLengthOf(piece)
      const restMs = Math.min(leftMs, REST_SHARE * (performance.now() - startMs))
      leftMs -= restMs
      if (at < byteLength && restMs > 0) await delay(restMs)
    }
  } finally {
    file.close()
  }
}

/** Removes what was begun in a folder and never finished. */
export async function removeUnfinished(disk: Disk, folder: string): Promise<void> {
  for (const { name } of disk.list(folder)) if (name.endsWith(UNFINISHED_SUFFIX)) await disk.remove(join(folder, name))
}

/** Writes all of `parts`, however many writes the system makes of it. */
export async function writeAll(file: DiskFile, parts: readonly Uint8Array[], at: number): Promise<void> {
  let rest = parts
  for (let position = at; rest.length > 0;) {
    const written = await file.write(rest, position)
    if (written === 0) throw new Error('the system wrote nothing and gave no reason')
    position += written
    rest = without(rest, written)
  }
}

function without(parts: readonly Uint8Array[], byteCount: number): readonly Uint8Array[] {
  let left = byteCount
  let i = 0
  for (; i < parts.length && left >= (parts[i] as Uint8Array).length; i++) left -= (parts[i] as Uint8Array).length
  const [first, ...others] = parts.slice(i)
  return first === undefined ? [] : [first.subarray(left), ...others]
}

/** At least one, of {@link SYNCED_BYTES} but for the last. */
function* piecesOf(parts: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let rest = parts
  do {
    let left = SYNCED_BYTES
    const piece: Uint8Array[] = []
    for (let i = 0; left > 0 && i < rest.length; i++) {
      const part = rest[i] as Uint8Array
      piece.push(part.subarray(0, left))
      left -= Math.min(left, part.length)
    }
    yield piece
    rest = without(rest, SYNCED_BYTES - left)
  } while (rest.length > 0)
}

function byteLengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((bytes, part) => bytes + part.length, 0)
}
