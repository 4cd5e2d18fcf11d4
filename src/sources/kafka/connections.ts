/**
 * Connections to the brokers of a cluster, one to each address.
 *
 * C1  A connection that failed is forgotten: the next call makes a new one.
 * C2  Whoever asks while a connection is being made waits for that one: none is ever left open behind another, nor is
 *     one made once they are closed.
 */
import { isIP } from 'node:net'
import type { Connection } from '@platformatic/kafka'
import { TidemarkError } from '../../errors.ts'
import { connectionError } from '../../sinks/kafka/connection-error.ts'
import { brokerList, type KafkaAccess } from '../../sinks/kafka/topics.ts'
import { BrokerConnection } from './broker-connection.ts'

interface OpenConnection {
  readonly connection: BrokerConnection
  readonly opened: Promise<unknown>
  isOpening: boolean
}

const CLIENT_ID = 'tidemark'
const CONNECT_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 30_000

export class Connections {
  readonly #access: KafkaAccess
  readonly #open = new Map<string, OpenConnection>()

  #isClosed = false

  constructor(access: KafkaAccess) {
    this.#access = access
  }

  /**
   * Works with a connection to `address`.
   *
   * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
   */
  async on<T>(address: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const entry = this.#connect(address)
    try {
      await entry.opened
      return await work(entry.connection.api)
    } catch (error) {
      await this.#forget(address, entry)
      throw connectionError(address, error)
    }
  }

  /**
   * Works with the first broker that answers: of those that were named, then of `others`.
   *
   * @throws TidemarkError KAFKA_UNAVAILABLE, KAFKA_REFUSED
   */
  async onAny<T>(others: readonly string[], work: (connection: Connection) => Promise<T>): Promise<T> {
    let failure: TidemarkError | undefined
    for (const address of new Set([...brokerList(this.#access.brokers), ...others])) {
      try {
        return await this.on(address, work)
      } catch (error) {
        failure = connectionError(address, error)
        if (!failure.retryable) throw failure
      }
    }
    throw failure ?? new TidemarkError('KAFKA_UNAVAILABLE', 'No broker is named.', { fix: 'name one: 127.0.0.1:9092' })
  }

  /** Ends all connections; what is under way fails. */
  async close(): Promise<void> {
    this.#isClosed = true
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map(async ({ connection }) => connection.close()))
  }

  async #forget(address: string, entry: OpenConnection): Promise<void> {
    if (this.#open.get(address) === entry) this.#open.delete(address)
    await entry.connection.close()
  }

  #connect(address: string): OpenConnection {
    if (this.#isClosed)
      throw new TidemarkError('KAFKA_UNAVAILABLE', 'The connections to Kafka were ended.', { fix: 'start again' })
    const known = this.#open.get(address)
    if (known !== undefined && (known.isOpening || known.connection.isConnected)) return known
    const colon = address.lastIndexOf(':')
    const [host, port] = [address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), Number(address.slice(colon + 1))]
    const { tls, sasl } = this.#access
    const connection = new BrokerConnection({
      clientId: CLIENT_ID,
      host,
      port,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      ...(tls === undefined ? {} : { tls }),
      ...(tls === undefined || isIP(host) !== 0 ? {} : { servername: host }),
      ...(sasl === undefined ? {} : { sasl }),
    })
    const opened = connection.open()
    const entry = { connection, opened, isOpening: true }
    const isOpened = (): void => void (entry.isOpening = false)
    opened.then(isOpened, isOpened)
    this.#open.set(address, entry)
    return entry
  }
}
