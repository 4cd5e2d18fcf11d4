/**
 * Small private files that are there whole or not at all, also after a power cut.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Writes a text that its owner alone may read, in place of what a file held; throws what the system says. */
export function writeDurably(path: string, text: string): void {
  const folder = dirname(path)
  const aside = join(folder, `.${basename(path)}.${process.pid}`)
  synced(openSync(aside, 'w', 0o600), (file) => writeFileSync(file, text))
  renameSync(aside, path)
  synced(openSync(folder, 'r'))
}

function synced(file: number, write?: (file: number) => void): void {
  try {
    write?.(file)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
