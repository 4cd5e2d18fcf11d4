/**
 * The secret that signs targets of clicks: made once, kept beside the keys, read by whoever signs.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, TidemarkError } from '../../errors.ts'
import { makePrivateFolder } from '../private-records.ts'
import { keysFolder } from './key-store.ts'

/**
 * The secret of a data folder, which is made where there is none.
 *
 * @throws TidemarkError KEYS_UNREADABLE
 */
export function clickSecret(dataDir: string): string {
  const folder = keysFolder(dataDir)
  const path = join(folder, 'click-secret')
  try {
    if (!existsSync(path)) makeSecret(folder, path)
    const secret = readFileSync(path, 'utf8').trim()
    if (secret.length >= 32) return secret
    throw new RangeError('it holds less than 32 characters')
  } catch (error) {
    const why = messageOf(error)
    throw new TidemarkError('KEYS_UNREADABLE', `The secret that signs targets of clicks cannot be read: ${why}.`, {
      where: path,
      cause: error,
      fix: `Remove ${path}; the next start makes another, and links signed before no longer count.`,
    })
  }
}

// Of two that make one at the same time the first stays.
function makeSecret(folder: string, path: string): void {
  makePrivateFolder(folder)
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true })
  try {
    linkSync(aside, path)
  } catch (error) {
    if (!existsSync(path)) throw error
  } finally {
    unlinkSync(aside)
  }
}
