/**
 * Which files a source follows at a moment.
 *
 * N1  Of a folder: every plain file but hidden ones, compressed copies, and files that are still being made (`.tmp`,
 *     `.partial`, `.new`).
 * N2  Of a file: the one of that name, and those it was renamed to, as long as their end was not read.
 */
import { readdirSync, statSync, type BigIntStats } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** A file as it was found. */
export interface FoundFile {
  readonly path: string
  /** Device and inode. */
  readonly number: string
  readonly byteLength: number
  /** When it was written to last, ns. */
  readonly modifiedNs: bigint
  /** Whether it is still written to, as far as its name tells. */
  readonly isCurrent: boolean
}

const LEFT_OUT = /^\.|\.(gz|zst|bz2|xz|zip|tmp|partial|new)$/

/**
 * The files to read, oldest first.
 *
 * @param isKnown whether a file of this number was read before (N2)
 * @throws what the system says where the path cannot be looked at; none where it is not there yet
 */
export function findFiles(path: string, isKnown: (number: string) => boolean): readonly FoundFile[] {
  const found = stat(path)
  const files = found?.isDirectory() === true ? inFolder(path) : besides(path, isKnown)
  return files.toSorted((a, b) => Number(a.isCurrent) - Number(b.isCurrent) || compare(a, b))
}

function compare(a: FoundFile, b: FoundFile): number {
  if (a.modifiedNs !== b.modifiedNs) return a.modifiedNs < b.modifiedNs ? -1 : 1
  return a.path < b.path ? -1 : 1
}

function inFolder(folder: string): readonly FoundFile[] {
  const files = readdirSync(folder)
    .filter((name) => !LEFT_OUT.test(name))
    .flatMap((name) => describe(join(folder, name), false))
  const newest = files.toSorted(compare).at(-1)
  return files.map((file) => ({ ...file, isCurrent: file === newest }))
}

function besides(path: string, isKnown: (number: string) => boolean): readonly FoundFile[] {
  const current = describe(path, true)
  const name = basename(path)
  const renamed = siblings(dirname(path))
    .filter((sibling) => sibling !== name && sibling.startsWith(name) && !LEFT_OUT.test(sibling))
    .flatMap((sibling) => describe(join(dirname(path), sibling), false))
    .filter(({ number }) => isKnown(number))
  return [...renamed, ...current]
}

function siblings(folder: string): readonly string[] {
  return stat(folder)?.isDirectory() === true ? readdirSync(folder) : []
}

function describe(path: string, isCurrent: boolean): readonly FoundFile[] {
  const stats = stat(path)
  if (stats === undefined || !stats.isFile()) return []
  return [
    {
      path,
      number: `${stats.dev}:${stats.ino}`,
      byteLength: Number(stats.size),
      modifiedNs: stats.mtimeNs,
      isCurrent,
    },
  ]
}

function stat(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })
}
