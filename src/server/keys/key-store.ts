/**
 * Keys for sending events, as files in the data folder: one for each key, so that making one and revoking another never
 * meet.
 *
 * K1  A key itself is nowhere on disk, only its SHA-256. That is enough, and quick: a key is 256 random bits, which
 *     nobody finds by trying; slow hashes are for passwords that people think of.
 * K2  A file appears whole or not at all, readable for its owner only.
 * K3  A revoked key stays, marked: where keys were ever made, events without a key are refused for good.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, TidemarkError } from '../../errors.ts'
import { STREAM_NAMES, type StreamName } from '../../pipeline/plan.ts'
import { readRecord, writePrivately } from '../private-records.ts'

/** What is kept of a key. */
export interface StoredKey {
  /** Eight hexadecimal digits, part of the key's text. */
  readonly id: string
  readonly name: string
  /** The streams it may send to. */
  readonly streams: readonly StreamName[]
  readonly createdAt: string
  readonly revokedAt: string | null
  /** SHA-256 of the key's text, hexadecimal. */
  readonly sha256: string
}

/** The form of a key's text: `tk_`, its id, and 256 bits. */
export const KEY_FORM: RegExp = /^tk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}$/

const FILE_FORM = /^[0-9a-f]{8}\.json$/
const storedKey = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{8}$/),
  name: z.string(),
  streams: z.array(z.enum(STREAM_NAMES)).min(1),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})

/** The folder of the keys in a data folder. */
export function keysFolder(dataDir: string): string {
  return join(dataDir, 'keys')
}

/** SHA-256 of a key's text. */
export function hashKey(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/**
 * Makes a key and keeps its hash.
 *
 * @returns the key's text, which is never to be had again, and what is kept
 * @throws TidemarkError DATA_DIR_UNUSABLE
 */
export function createKey(
  dataDir: string,
  name: string,
  streams: readonly StreamName[],
  nowMs: number,
): { readonly text: string; readonly key: StoredKey } {
  const id = randomBytes(4).toString('hex')
  const text = `tk_${id}_${randomBytes(32).toString('base64url')}`
  const createdAt = new Date(nowMs).toISOString()
  const key = { id, name, streams, createdAt, revokedAt: null, sha256: hashKey(text).toString('hex') }
  writeKey(dataDir, key)
  return { text, key }
}

/**
 * All keys, revoked ones too, the oldest first.
 *
 * @throws TidemarkError KEYS_UNREADABLE, naming the file
 */
export function listKeys(dataDir: string): readonly StoredKey[] {
  const folder = keysFolder(dataDir)
  if (!existsSync(folder)) return []
  const keys = readdirSync(folder)
    .filter((name) => FILE_FORM.test(name))
    .map((name) => readKey(join(folder, name)))
  return keys.toSorted((a, b) => (a.createdAt + a.id < b.createdAt + b.id ? -1 : 1))
}

/** Revokes a key; one that is revoked already stays as it is. */
export function revokeKey(dataDir: string, key: StoredKey, nowMs: number): StoredKey {
  if (key.revokedAt !== null) return key
  const revoked = { ...key, revokedAt: new Date(nowMs).toISOString() }
  writeKey(dataDir, revoked)
  return revoked
}

function readKey(path: string): StoredKey {
  try {
    return readRecord(path, storedKey)
  } catch (error) {
    throw new TidemarkError('KEYS_UNREADABLE', `The key in ${path} cannot be read: ${messageOf(error)}.`, {
      where: path,
      cause: error,
      fix: `Remove ${path}, then ./tidemark keys create.`,
    })
  }
}

function writeKey(dataDir: string, key: StoredKey): void {
  writePrivately(keysFolder(dataDir), `${key.id}.json`, `${JSON.stringify(key, undefined, 2)}\n`, 'The key')
}
