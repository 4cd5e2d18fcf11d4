/**
 * Users as files in the data folder, one for each, so that adding one and removing another never meet.
 *
 * U1  A password is nowhere on disk but as a hash, except the generated one of the first admin, in a file of its own.
 * U2  A file appears whole or not at all, readable for its owner only.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, TidemarkError } from '../../errors.ts'
import { readRecord, writePrivately } from '../private-records.ts'
import { HASH_FORM, hashPassword } from './password-hash.ts'
import { ROLES, type Role, type ScopeFilter } from './viewer.ts'

/** What is kept of a user. */
export interface StoredUser {
  readonly name: string
  readonly role: Role
  readonly scope: readonly ScopeFilter[]
  readonly password: string
  readonly createdAt: string
}

/** What may be a name. */
export const USER_NAME_FORM: RegExp = /^[a-z0-9][a-z0-9._@-]{0,63}$/

const storedUser = z.strictObject({
  name: z.string().regex(USER_NAME_FORM),
  role: z.enum(ROLES),
  scope: z.array(
    z.strictObject({
      dimension: z.string().min(1),
      mode: z.literal('include'),
      members: z.array(z.string()).min(1),
    }),
  ),
  password: z.string().regex(HASH_FORM),
  createdAt: z.string(),
})

/** The folder of the users in a data folder. */
export function usersFolder(dataDir: string): string {
  return join(dataDir, 'users')
}

/** A password that nobody guesses: 120 random bits. */
export function newPassword(): string {
  return randomBytes(15).toString('base64url')
}

/**
 * All users, by name.
 *
 * @throws TidemarkError USERS_UNREADABLE, naming the file
 */
export function listUsers(dataDir: string): readonly StoredUser[] {
  const folder = usersFolder(dataDir)
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('.'))
  return names.toSorted().map((name) => readUser(join(folder, name)))
}

/**
 * Keeps a user, in place of one of the same name.
 *
 * @throws TidemarkError DATA_DIR_UNUSABLE
 */
export async function keepUser(
  dataDir: string,
  user: Pick<StoredUser, 'name' | 'role' | 'scope'>,
  password: string,
  nowMs: number,
): Promise<StoredUser> {
  const { name, role, scope } = user
  const stored = { name, role, scope, password: await hashPassword(password), createdAt: new Date(nowMs).toISOString() }
  writePrivately(usersFolder(dataDir), `${name}.json`, `${JSON.stringify(stored, undefined, 2)}\n`, 'Users')
  return stored
}

/** Removes a user; returns whether there was one. */
export function removeUser(dataDir: string, name: string): boolean {
  const path = join(usersFolder(dataDir), `${name}.json`)
  if (!USER_NAME_FORM.test(name) || !existsSync(path)) return false
  rmSync(path)
  return true
}

/** Where the generated password of the first admin is kept. */
export function firstPasswordPath(dataDir: string): string {
  return join(usersFolder(dataDir), 'admin-password')
}

/**
 * Makes the first admin where there are no users, and keeps the password in a file that only its owner can read.
 *
 * @returns the password, which is told once; undefined where there are users
 */
export async function makeFirstAdmin(dataDir: string, nowMs: number): Promise<string | undefined> {
  if (listUsers(dataDir).length > 0) return undefined
  const password = newPassword()
  writePrivately(usersFolder(dataDir), 'admin-password', `${password}\n`, 'Users')
  await keepUser(dataDir, { name: 'admin', role: 'admin', scope: [] }, password, nowMs)
  return password
}

function readUser(path: string): StoredUser {
  try {
    return readRecord(path, storedUser)
  } catch (error) {
    throw new TidemarkError('USERS_UNREADABLE', `The user in ${path} cannot be read: ${messageOf(error)}.`, {
      where: path,
      cause: error,
      fix: `Remove ${path}, then ./tidemark users add NAME.`,
    })
  }
}
