/**
 * Our own PostgreSQL server: a child process that lives exactly as long as we do.
 *
 * V1  It listens on the loopback interface only, on a random port that is kept from start to start while it is free.
 * V2  It has its own process group: Ctrl-C in the terminal reaches us alone, and we stop it after our last write.
 * V3  When we die without a word, the watchdog stops it, unless the next start takes it over within two seconds; when
 *     the watchdog dies too, the next start stops it.
 * V4  When it dies while we live, it is started again on the same port, after 1 s and then at growing distances,
 *     whatever keeps it from starting meanwhile. A server that someone else started on the folder meanwhile is taken
 *     over.
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { messageOf, TidemarkError } from '../errors.ts'
import { MINUTE_MS } from '../time/units.ts'
import { type ClusterFiles, rememberedPort, rememberPort, serverEnvironment } from './cluster-files.ts'
import { clearLeftovers, endProcess, type Postmaster, readPostmaster, runningPostmaster } from './postmaster.ts'
import { commandLine, identify, isAlive, type ProcessIdentity } from './process-identity.ts'
import { handOver } from './server-user.ts'
import { startWatchdog, takeFromWatchdog, type Watchdog } from './watchdog.ts'

/** Settings for a writer of many small epochs; each is valid in every supported version. Nothing here trades safety. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // A socket's path is limited to 107 bytes, which a data folder easily exceeds.
  unix_socket_directories: '',
  cluster_name: 'tidemark',
  max_connections: '50',
  shared_buffers: '128MB',
  work_mem: '16MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  synchronous_commit: 'on',
  autovacuum_naptime: '20s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
}

const START_TIMEOUT_MS = MINUTE_MS
const FIRST_RESTART_MS = 1_000
const LAST_RESTART_MS = 30_000

/** What to start. */
export interface ServerOptions extends ClusterFiles {
  /** Settings beside or in place of ours. */
  readonly settings: Readonly<Record<string, string>>
}

/** A server that runs until it is stopped. */
export class OwnServer {
  readonly port: number
  readonly #files: ServerOptions
  readonly #log: (line: string) => void
  #pid: number
  /** Undefined where the process was gone before it could be told apart. */
  #process: ProcessIdentity | undefined
  #watchdog: Watchdog | undefined
  #stopping = false
  #restart: Promise<void> | undefined

  /** Use {@link OwnServer.start}. */
  private constructor(files: ServerOptions, port: number, pid: number, log: (line: string) => void) {
    this.#files = files
    this.port = port
    this.#pid = pid
    this.#log = log
    this.#watch(pid)
  }

  /**
   * Stops what an earlier run left behind and starts the server.
   *
   * @throws TidemarkError DATABASE_UNAVAILABLE with the end of the server's log
   */
  static async start(files: ServerOptions, log: (line: string) => void): Promise<OwnServer> {
    const stopped = await clearLeftovers(files.clusterDir)
    if (stopped !== undefined) log(`Stopped the server that an earlier run left behind (process ${stopped})`)
    let port = rememberedPort(files.folder) ?? 0
    for (let attempt = 1; ; attempt++) {
      port = await freePort(port)
      const started = await launch(files, port)
      if ('pid' in started) {
        rememberPort(files.folder, port)
        return new OwnServer(files, port, started.pid, log)
      }
      if (attempt === 5 || !/in use|shared memory|bind/.test(started.reason)) throw startFailed(files, started.reason)
      if (/bind|Address/.test(started.reason)) port = 0
      await delay(200 * attempt)
    }
  }

  /** The server that a killed run left running, if it is the very one that {@link OwnServer.start} would start. */
  static async takeOver(files: ServerOptions, log: (line: string) => void): Promise<OwnServer | undefined> {
    const left = runningPostmaster(files.clusterDir)
    if (left === undefined || !left.ready || !isAsStarted(files, left)) return undefined
    if (!(await takeFromWatchdog(left.pid, files.folder)) || !isContinued(left.pid)) return undefined
    log(`Took over the server that an earlier run left behind (process ${left.pid})`)
    return new OwnServer(files, left.port, left.pid, log)
  }

  /** The server's process now. */
  get pid(): number {
    return this.#pid
  }

  /** Shuts the server down. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#restart
    await endProcess(this.#process)
    this.#watchdog?.dismiss()
  }

  #watch(pid: number): void {
    this.#process = identify(pid)
    this.#watchdog = startWatchdog(pid, this.#files.clusterDir, this.#files.folder)
    const timer = setInterval(() => {
      if (isAlive(pid)) return
      clearInterval(timer)
      this.#watchdog?.dismiss()
      if (!this.#stopping) this.#restart = this.#startAgain()
    }, 100)
    timer.unref()
  }

  async #startAgain(): Promise<void> {
    for (let waitMs = FIRST_RESTART_MS; !this.#stopping; waitMs = Math.min(waitMs * 2, LAST_RESTART_MS)) {
      this.#log(`The PostgreSQL server is gone (see ${this.#files.logFile}); starting it again in ${waitMs / 1_000} s`)
      await this.#pause(waitMs)
      if (this.#stopping) return
      const pid = await this.#adoptOrLaunch()
      if (pid === undefined) continue
      this.#pid = pid
      this.#log(`The PostgreSQL server runs again (process ${pid})`)
      this.#watch(pid)
      return
    }
  }

  async #pause(waitMs: number): Promise<void> {
    for (let waitedMs = 0; waitedMs < waitMs && !this.#stopping; waitedMs += 50) {
      await delay(50, undefined, { ref: false })
    }
  }

  // Nobody waits for it: what it throws (files that cannot be opened, say) is told and tried again, too.
  async #adoptOrLaunch(): Promise<number | undefined> {
    try {
      const running = runningPostmaster(this.#files.clusterDir)
      if (running !== undefined) return running.port === this.port ? running.pid : undefined
      const started = await launch(this.#files, this.port)
      if ('pid' in started) return started.pid
      this.#log(`The PostgreSQL server did not start: ${started.reason}`)
    } catch (error) {
      this.#log(`The PostgreSQL server could not be started: ${messageOf(error)}`)
    }
    return undefined
  }
}

function startFailed(files: ClusterFiles, reason: string): TidemarkError {
  return new TidemarkError('DATABASE_UNAVAILABLE', `PostgreSQL did not start on ${files.clusterDir}: ${reason}`, {
    where: files.clusterDir,
    fix: `see ${files.logFile}, or give a server with --database-url`,
  })
}

/** The wished port if it is free, else another. */
async function freePort(wished: number): Promise<number> {
  return (await tryPort(wished)) ?? (await tryPort(0)) ?? wished
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.on('error', () => resolve(undefined))
    probe.listen({ port, host: '127.0.0.1' }, () => {
      const address = probe.address()
      const found = typeof address === 'object' && address !== null ? address.port : undefined
      probe.close(() => resolve(found))
    })
  })
}

async function launch(files: ServerOptions, port: number): Promise<{ pid: number } | { reason: string }> {
  keepLastLog(files.logFile)
  const logFd = openSync(files.logFile, 'a', 0o600)
  const cluster = handOver(files.clusterDir, 3, files.user)
  const [program, ...args] = serverCommand(files, cluster.path, port)
  const child = spawn(program, args, {
    ...files.user,
    cwd: '/',
    env: serverEnvironment(),
    detached: true,
    stdio: ['ignore', logFd, logFd, cluster.stdio],
  })
  closeSync(logFd)
  cluster.close()
  let failure: string | undefined
  child.on('error', (error) => (failure = error.message))
  child.on('exit', () => (failure ??= ''))
  child.unref()
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += 5) {
    const postmaster = readPostmaster(files.clusterDir)
    if (failure !== undefined) return { reason: failure === '' ? lastComplaint(files.logFile) : failure }
    if (postmaster !== undefined && postmaster.pid === child.pid && postmaster.ready) return { pid: postmaster.pid }
    await delay(5)
  }
  if (child.pid !== undefined) await endProcess(identify(child.pid))
  return { reason: `it was not ready within ${START_TIMEOUT_MS / 1_000} s` }
}

function serverCommand(files: ServerOptions, clusterPath: string, port: number): readonly [string, ...string[]] {
  const settings = Object.entries({ ...SETTINGS, ...files.settings }).map(([name, value]) => `${name}=${value}`)
  const options = settings.flatMap((setting) => ['-c', setting])
  return [join(files.binaries.binDir, 'postgres'), '-D', clusterPath, '-p', String(port), ...options]
}

/** Whether a server runs with the programs and the settings that it would be started with now. */
function isAsStarted(files: ServerOptions, { pid, port }: Postmaster): boolean {
  const cluster = handOver(files.clusterDir, 3, files.user)
  cluster.close()
  return commandLine(pid) === serverCommand(files, cluster.path, port).join(' ')
}

/** Wakes a process that may have been stopped; false where it is gone. */
function isContinued(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGCONT')
  } catch {
    return false
  }
}

function keepLastLog(logFile: string): void {
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.last`)
}

function lastComplaint(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-20)
  const complaints = lines.filter((line) => /FATAL|PANIC|ERROR|could not|in use/.test(line))
  return (complaints.length > 0 ? complaints : lines.slice(-3)).join('; ')
}
