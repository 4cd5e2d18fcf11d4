/**
 * The connection of a builder of cells: opened when it is needed, one short transaction after the other. Nothing that
 * it leaves half done is kept; a commit that a crash undoes is built again, so that none waits for the disk.
 */
import type { Client } from 'pg'
import type { Plan } from '../../pipeline/plan.ts'
import { type Connection, connect } from '../connection.ts'

/** What every builder of cells is told. */
export interface BuilderOptions {
  /** Connects as a user who may write the tables. */
  readonly url: string
  readonly plan: Plan
  readonly nowMs: () => number
  /** Waits after a step that took so long; none waits where it is left out. */
  readonly rest?: (tookMs: number) => Promise<void>
}

/** How a builder's connection differs from another's. */
interface ConnectionSettings {
  readonly url: string
  readonly applicationName: string
  readonly queryTimeoutMs: number
  /** SQL that is run once, after what all builders set. */
  readonly set: string
}

export class BuilderConnection {
  readonly #settings: ConnectionSettings
  #connection: Connection | undefined

  constructor(settings: ConnectionSettings) {
    this.#settings = settings
  }

  async client(): Promise<Client> {
    if (this.#connection !== undefined) return this.#connection.client
    const { url, applicationName, queryTimeoutMs, set } = this.#settings
    this.#connection = await connect({ url, applicationName, queryTimeoutMs })
    const { client } = this.#connection
    await client.query(
      `set synchronous_commit = off; set jit = off; set work_mem = '32MB'; set lock_timeout = '2s';
       set max_parallel_workers_per_gather = 0; ${set}`,
    )
    return client
  }

  /** Lets go of the connection. Safe to call twice. */
  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close()
  }
}

/**
 * Runs `work` in a transaction, which is kept where it says that it did something.
 *
 * @param begin the statement that begins it
 */
export async function buildStep(client: Client, begin: string, work: () => Promise<boolean>): Promise<boolean> {
  await client.query(begin)
  try {
    const isDone = await work()
    await client.query(isDone ? 'commit' : 'rollback')
    return isDone
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}
