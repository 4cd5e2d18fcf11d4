/**
 * Whom the server runs as, and where that user can work.
 *
 * PostgreSQL refuses to run as root. Started by root, the server therefore runs as user 65534 (`nobody`) on folders that
 * belong to it; started by anyone else, as that user.
 *
 * U1  The server's files lie in `<data folder>/postgres`, unless its user cannot get there (a checkout below a private
 *     `/root`, say): then in a private folder of its own below `/var/tmp` (else the system's temporary folder), and
 *     `<data folder>/postgres/home` is a link to it.
 * U2  A linked folder is used only if it belongs to the server's user and to nobody else: temporary folders are public.
 * U3  Programs that the user cannot read are copied next to its files, once per version.
 */
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { TidemarkError } from '../errors.ts'
import type { ServerBinaries } from './binaries.ts'

/** The user to spawn as; empty when it is our own. */
export interface ServerUser {
  readonly uid?: number
  readonly gid?: number
}

const NOBODY_ID = 65_534

/** The user that the server will run as. */
export function serverUser(): ServerUser {
  return process.getuid?.() === 0 ? { uid: NOBODY_ID, gid: NOBODY_ID } : {}
}

/**
 * The folder for everything that the server's user must read or write: `<folder>/home`, made or found (U1, U2).
 *
 * @param folder `<data folder>/postgres`, exists
 * @throws TidemarkError DATA_DIR_UNUSABLE
 */
export function serverHome(folder: string, user: ServerUser): string {
  const home = join(folder, 'home')
  const found = lstatSync(home, { throwIfNoEntry: false })
  if (found?.isSymbolicLink() === true) return checkLinkedHome(home, readlinkSync(home), user)
  if (found !== undefined && canReach(home, user)) return home
  if (found !== undefined) return moveHome(home, user)
  mkdirSync(home, { mode: 0o700 })
  giveTo(home, user)
  return canReach(home, user) ? home : moveHome(home, user)
}

function checkLinkedHome(link: string, target: string, user: ServerUser): string {
  const folder = lstatSync(target, { throwIfNoEntry: false })
  if (folder?.isDirectory() !== true)
    throw unusable(`The server's files in ${target}, which ${link} points to, are gone.`, link)
  const expectedUid = user.uid ?? process.getuid?.()
  if (folder.uid !== expectedUid || (folder.mode & 0o077) !== 0)
    throw unusable(`The folder ${target}, which ${link} points to, is open to other users.`, link)
  return target
}

function unusable(message: string, link: string): TidemarkError {
  return new TidemarkError('DATA_DIR_UNUSABLE', message, {
    where: link,
    fix: `to start with an empty database: rm '${link}'`,
  })
}

// A folder that became unreachable (its parents were closed, or it was made by another user) keeps its content.
function moveHome(home: string, user: ServerUser): string {
  const away = mkdtempSync(join(publicTemporaryFolder(), 'tidemark-postgres-'))
  cpSync(home, away, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  giveTreeTo(away, user)
  chmodSync(away, 0o700)
  const old = `${home}.moved`
  renameSync(home, old)
  symlinkSync(away, home)
  rmSync(old, { recursive: true, force: true })
  return away
}

function publicTemporaryFolder(): string {
  try {
    accessSync('/var/tmp', constants.W_OK)
    return '/var/tmp'
  } catch {
    return tmpdir()
  }
}

/** Makes the server's user the owner of one file or folder. */
export function giveTo(path: string, user: ServerUser): void {
  if (user.uid !== undefined) chownSync(path, user.uid, user.gid ?? user.uid)
}

function giveTreeTo(folder: string, user: ServerUser): void {
  if (user.uid === undefined) return
  spawnSync('chown', ['-R', `${user.uid}:${user.gid ?? user.uid}`, folder])
}

/** Whether `user` may list and enter `folder`. Asked by trying, which sees access lists and mounts as they are. */
function canReach(folder: string, user: ServerUser): boolean {
  return tryAs(user, 'test -r "$1" && test -w "$1" && test -x "$1" && cd "$1"', folder)
}

/** Programs that the server's user can run: the given ones, or a copy of them in `home` (U3). */
export function reachableBinaries(binaries: ServerBinaries, home: string, user: ServerUser): ServerBinaries {
  if (binaries.kind === 'system' || isRunnable(binaries.binDir, user)) return binaries
  const copy = join(home, `binaries-${binaries.version}`)
  const binDir = join(copy, 'bin')
  if (!existsSync(copy)) {
    const aside = `${copy}.new`
    rmSync(aside, { recursive: true, force: true })
    cpSync(dirname(binaries.binDir), aside, { recursive: true, verbatimSymlinks: true, filter: isNeeded })
    spawnSync('chmod', ['-R', 'u+rwX,go+rX', aside])
    giveTreeTo(aside, user)
    renameSync(aside, copy)
  }
  return { ...binaries, binDir }
}

function isRunnable(binDir: string, user: ServerUser): boolean {
  const catalog = join(dirname(binDir), 'share', 'postgresql', 'postgres.bki')
  return tryAs(user, '"$1/postgres" --version >/dev/null && test -r "$2"', binDir, catalog)
}

// Static libraries are of no use to a server.
function isNeeded(path: string): boolean {
  return !basename(path).endsWith('.a') && basename(path) !== 'pkgconfig'
}

function tryAs(user: ServerUser, script: string, ...args: string[]): boolean {
  const result = spawnSync('/bin/sh', ['-c', script, 'sh', ...args], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
    timeout: 10_000,
  })
  return result.status === 0
}
