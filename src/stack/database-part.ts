/**
 * The stack's own PostgreSQL, seen as one of its parts. It starts itself again when it dies (own-server.ts).
 */
import { join } from 'node:path'
import { openDatabase, type Database } from '../database/open-database.ts'
import { identify, isRunning, type ProcessIdentity } from '../database/process-identity.ts'
import type { StackSettings } from './settings.ts'
import type { PartState } from './state-file.ts'

const POLL_MS = 250

/** A running server and what is known of it. */
export class DatabasePart {
  readonly url: string
  readonly #database: Database
  readonly #timer: NodeJS.Timeout
  #process: ProcessIdentity | undefined
  #state: PartState

  private constructor(database: Database, dataDir: string, onChange: () => void) {
    this.#database = database
    this.url = database.url
    this.#process = processOf(database)
    this.#state = {
      name: 'postgres',
      status: 'ready',
      process: this.#process,
      address: new URL(database.url).host,
      logFile: join(dataDir, 'postgres', 'server.log'),
      restarts: 0,
      reason: undefined,
    }
    this.#timer = setInterval(() => {
      if (this.#look()) onChange()
    }, POLL_MS)
  }

  /** Starts the server, or finds it. */
  static async start({ dataDir }: StackSettings, onChange: () => void): Promise<DatabasePart> {
    return new DatabasePart(await openDatabase({ dataDir }), dataDir, onChange)
  }

  get state(): PartState {
    return this.#state
  }

  /** Stops the server. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#database.stop()
    this.#state = { ...this.#state, status: 'stopped', process: undefined }
  }

  /** Whether something changed. */
  #look(): boolean {
    const { status, restarts } = this.#state
    if (this.#process === undefined) return false
    if (status === 'ready' && !isRunning(this.#process)) {
      this.#state = { ...this.#state, status: 'waiting', process: undefined, reason: 'its server was gone' }
      return true
    }
    const process = processOf(this.#database)
    if (status !== 'waiting' || process === undefined || !isRunning(process) || process.pid === this.#process.pid)
      return false
    this.#process = process
    this.#state = { ...this.#state, status: 'ready', process, restarts: restarts + 1 }
    return true
  }
}

function processOf({ serverPid }: Database): ProcessIdentity | undefined {
  return serverPid === undefined ? undefined : identify(serverPid)
}
