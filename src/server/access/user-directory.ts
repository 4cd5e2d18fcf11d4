/**
 * The users as a running server knows them: who was added may log in, and who was removed is out, within a second.
 */
import { statSync } from 'node:fs'
import { listUsers, usersFolder, type StoredUser } from './user-store.ts'

const LOOK_EVERY_MS = 1_000
/** A folder changed so recently may change again without its time showing it. */
const UNSETTLED_MS = 2_000

export class UserDirectory {
  readonly #dataDir: string
  readonly #nowMs: () => number
  #users = new Map<string, StoredUser>()
  #lookedAtMs = -Infinity
  #loadedAtMs = -Infinity
  #changedAtMs: number | undefined = NaN

  /**
   * @param nowMs wall clock, ms since the epoch
   * @throws TidemarkError USERS_UNREADABLE
   */
  constructor(dataDir: string, nowMs: () => number) {
    this.#dataDir = dataDir
    this.#nowMs = nowMs
    this.#look()
  }

  /** Whether there are users. Throws USERS_UNREADABLE. */
  get isEmpty(): boolean {
    this.#look()
    return this.#users.size === 0
  }

  /** A user by name. Throws USERS_UNREADABLE. */
  find(name: string): StoredUser | undefined {
    this.#look()
    return this.#users.get(name)
  }

  #look(): void {
    const nowMs = this.#nowMs()
    if (Math.abs(nowMs - this.#lookedAtMs) < LOOK_EVERY_MS) return
    const changedAtMs = statSync(usersFolder(this.#dataDir), { throwIfNoEntry: false })?.mtimeMs
    const isSettled = changedAtMs === undefined || this.#loadedAtMs - changedAtMs > UNSETTLED_MS
    if (changedAtMs !== this.#changedAtMs || !isSettled) {
      this.#users = new Map(listUsers(this.#dataDir).map((user) => [user.name, user]))
      this.#loadedAtMs = Date.now()
      this.#changedAtMs = changedAtMs
    }
    this.#lookedAtMs = nowMs
  }
}
