/**
 * The keys as a running server knows them.
 *
 * R1  What was revoked holds within a second, what was made at once, without a restart.
 * R2  How long a check takes tells nothing of any key: hashes are compared, in constant time, with one of some key
 *     always.
 * R3  Keys that cannot be read open nothing: requests are refused until they can.
 */
import { timingSafeEqual } from 'node:crypto'
import { statSync } from 'node:fs'
import type { StreamName } from '../../pipeline/plan.ts'
import { hashKey, KEY_FORM, keysFolder, listKeys } from './key-store.ts'

const LOOK_EVERY_MS = 1_000
/** A folder changed so recently may change again without its time showing it. */
const UNSETTLED_MS = 2_000

/** A key that is valid. */
export interface KnownKey {
  readonly id: string
  readonly streams: readonly StreamName[]
}

interface HashedKey extends KnownKey {
  readonly sha256: Buffer
  readonly isRevoked: boolean
}

const NOBODY: HashedKey = { id: '', streams: [], sha256: Buffer.alloc(32), isRevoked: true }

export class KeyRing {
  /** Whose keys these are. */
  readonly dataDir: string
  readonly #nowMs: () => number
  #keys = new Map<string, HashedKey>()
  #lookedAtMs = -Infinity
  #loadedAtMs = -Infinity
  #changedAtMs: number | undefined = NaN

  /**
   * @param nowMs wall clock, ms since the epoch
   * @throws TidemarkError KEYS_UNREADABLE
   */
  constructor(dataDir: string, nowMs: () => number = Date.now) {
    this.dataDir = dataDir
    this.#nowMs = nowMs
    this.#look()
  }

  /** Whether keys were ever made, revoked ones included. Throws KEYS_UNREADABLE. */
  get hasKeys(): boolean {
    this.#look()
    return this.#keys.size > 0
  }

  /** Whether anybody could send with a key. Throws KEYS_UNREADABLE. */
  get hasValidKeys(): boolean {
    this.#look()
    return [...this.#keys.values()].some((key) => !key.isRevoked)
  }

  /** The key of this text, or undefined where it is none that is valid. Throws KEYS_UNREADABLE. */
  check(text: string): KnownKey | undefined {
    this.#look()
    const id = KEY_FORM.exec(text)?.[1] ?? ''
    if (id !== '' && !this.#keys.has(id)) this.#look(0)
    const key = this.#keys.get(id) ?? NOBODY
    const isEqual = timingSafeEqual(hashKey(text), key.sha256)
    return isEqual && !key.isRevoked ? key : undefined
  }

  #look(everyMs = LOOK_EVERY_MS): void {
    const nowMs = this.#nowMs()
    if (Math.abs(nowMs - this.#lookedAtMs) < everyMs) return
    const changedAtMs = statSync(keysFolder(this.dataDir), { throwIfNoEntry: false })?.mtimeMs
    const isSettled = changedAtMs === undefined || this.#loadedAtMs - changedAtMs > UNSETTLED_MS
    if (changedAtMs !== this.#changedAtMs || !isSettled) {
      this.#keys = new Map(listKeys(this.dataDir).map((key) => [key.id, hashed(key)]))
      this.#loadedAtMs = Date.now()
      this.#changedAtMs = changedAtMs
    }
    this.#lookedAtMs = nowMs
  }
}

function hashed(key: ReturnType<typeof listKeys>[number]): HashedKey {
  const { id, streams, sha256, revokedAt } = key
  return { id, streams, sha256: Buffer.from(sha256, 'hex'), isRevoked: revokedAt !== null }
}
