/**
 * Whom the server runs as, and how that user gets at files that are not its own to reach.
 *
 * PostgreSQL refuses to run as root. Started by root, the server therefore runs as user 65534 (`nobody`) on a data
 * folder that belongs to it; started by anyone else, as that user.
 *
 * U1  The data stay in the data folder, also below folders that the server's user may not enter (a checkout in a
 *     private `/root`, say): it is given the open folder, under the name `/proc/self/fd/3`, instead of a path.
 * U2  Programs that the user cannot read are copied, once per version, to `/var/cache/tidemark` (else below the
 *     system's temporary folder). They may be deleted at any time.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
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
const CACHE_FOLDER = '/var/cache/tidemark'

/** The user that the server will run as. */
export function serverUser(): ServerUser {
  return process.getuid?.() === 0 ? { uid: NOBODY_ID, gid: NOBODY_ID } : {}
}

/** A file or folder as a child process may name it. */
export interface Handle {
  readonly path: string
  /** To be given to the child as its descriptor of the number asked for; `ignore` where the path will do. */
  readonly stdio: number | 'ignore'
  /** To be called once the child runs. */
  close(): void
}

/**
 * Hands a file or folder to a child of the server's user, whether or not that user may enter the folders above (U1).
 *
 * @param childFd descriptor it will have in the child
 * @throws TidemarkError DATA_DIR_UNUSABLE on systems that know no such names
 */
export function handOver(path: string, childFd: number, user: ServerUser): Handle {
  if (user.uid === undefined) return { path, stdio: 'ignore', close: () => undefined }
  if (process.platform !== 'linux') return reachablePath(path, user)
  const fd = openSync(path, 'r')
  return { path: `/proc/self/fd/${childFd}`, stdio: fd, close: () => closeSync(fd) }
}

function reachablePath(path: string, user: ServerUser): Handle {
  if (tryAs(user, 'test -r "$1"', path)) return { path, stdio: 'ignore', close: () => undefined }
  throw new TidemarkError('DATA_DIR_UNUSABLE', `The server runs as user ${user.uid}, who cannot reach ${path}.`, {
    where: path,
    fix: 'run as another user than root, or choose a folder that all may enter with --data-dir',
  })
}

/** Makes the server's user the owner of a file, or of a folder and all it holds. */
export function giveTo(path: string, user: ServerUser): void {
  if (user.uid === undefined || statSync(path).uid === user.uid) return
  spawnSync('chown', ['-R', `${user.uid}:${user.gid ?? user.uid}`, path])
}

/** Programs that the server's user can run: the given ones, or a copy of them (U2). */
export function reachableBinaries(binaries: ServerBinaries, user: ServerUser): ServerBinaries {
  if (binaries.kind === 'system' || isRunnable(binaries.binDir, user)) return binaries
  const cache = cacheFolder()
  const copy = join(cache, `postgres-${binaries.version}`)
  if (!isRunnable(join(copy, 'bin'), user)) {
    const aside = mkdtempSync(join(cache, 'new-'))
    cpSync(dirname(binaries.binDir), aside, { recursive: true, verbatimSymlinks: true, filter: isNeeded })
    spawnSync('chmod', ['-R', 'u+rwX,go+rX', aside])
    rmSync(copy, { recursive: true, force: true })
    renameSync(aside, copy)
  }
  return { ...binaries, binDir: join(copy, 'bin') }
}

// Programs are run from here: a folder that anyone else could write to would not do.
function cacheFolder(): string {
  try {
    mkdirSync(CACHE_FOLDER, { recursive: true })
    chmodSync(CACHE_FOLDER, 0o755)
    return CACHE_FOLDER
  } catch {
    const own = join(tmpdir(), `tidemark-cache-${process.getuid?.() ?? 0}`)
    mkdirSync(own, { recursive: true, mode: 0o755 })
    const { uid, mode } = lstatSync(own)
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? own : mkdtempSync(`${own}-`)
  }
}

function isRunnable(binDir: string, user: ServerUser): boolean {
  const catalog = join(dirname(binDir), 'share', 'postgresql', 'postgres.bki')
  return tryAs(user, '"$1/postgres" --version >/dev/null && test -r "$2"', binDir, catalog)
}

// Static libraries are of no use to a server.
function isNeeded(path: string): boolean {
  return !basename(path).endsWith('.a') && basename(path) !== 'pkgconfig'
}

// Asked by trying, which sees access lists and mounts as they are.
function tryAs(user: ServerUser, script: string, ...args: string[]): boolean {
  const result = spawnSync('/bin/sh', ['-c', script, 'sh', ...args], {
    ...user,
    cwd: '/',
    stdio: 'ignore',
    timeout: 10_000,
  })
  return result.status === 0
}
