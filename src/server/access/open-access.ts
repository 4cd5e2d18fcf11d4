/**
 * The access of a data folder: where others can reach the server and there is no user yet, the first admin is made.
 */
import { isLoopback } from '../protection.ts'
import { Access } from './access.ts'
import { firstPasswordPath, makeFirstAdmin } from './user-store.ts'

export interface OpenAccessOptions {
  readonly dataDir: string
  /** Where the server listens. */
  readonly host: string
  /** What others call the server, where a proxy stands before it. */
  readonly publicUrl?: URL
  readonly isFramed?: boolean
  /** Told the first admin's password, once. */
  readonly onFirstAdmin: (lines: readonly string[]) => void
}

/**
 * Opens it, to be given to `startServer`.
 *
 * @throws TidemarkError USERS_UNREADABLE, DATA_DIR_UNUSABLE
 */
export async function openAccess(options: OpenAccessOptions): Promise<Access> {
  const { dataDir, host, publicUrl, isFramed = false, onFirstAdmin } = options
  const isExposed = !isLoopback(host) || publicUrl !== undefined
  const password = isExposed ? await makeFirstAdmin(dataDir, Date.now()) : undefined
  if (password !== undefined)
    onFirstAdmin([
      `Log in as "admin" with ${password}`,
      `It is shown once, and kept in ${firstPasswordPath(dataDir)} until you remove that.`,
    ])
  return new Access({ dataDir, isExposed, isProxied: publicUrl !== undefined && isLoopback(host), isFramed })
}
