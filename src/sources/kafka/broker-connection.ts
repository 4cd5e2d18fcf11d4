/**
 * A connection to one broker, for the requests of the client library, whose own connection makes a buffer of every
 * piece that comes: at a few hundred megabytes a second the collector then does little else. Here the socket reads into
 * one buffer that is used again and again, and an answer's parser sees its bytes there.
 *
 * B1  The bytes that a parser sees are good until it returns.
 * B2  Every request ends: with its answer, or with an error once the connection is closed or the time is up.
 * B3  Certificates are verified, always. Nothing is sent before the broker knows us, where it asks who we are.
 * B4  A session that would end soon is not begun anew: the connection takes no more requests, and closes after its
 *     last.
 */
import { once } from 'node:events'
import { connect, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import {
  AuthenticationError,
  Reader,
  ResponseError,
  saslAuthenticateV2,
  saslHandshakeV1,
  saslPlain,
  saslScramSha,
  Writer,
  type Callback,
  type Connection,
} from '@platformatic/kafka'
import type { KafkaAccess } from '../../sinks/kafka/topics.ts'

export interface BrokerConnectionOptions extends Omit<KafkaAccess, 'brokers'> {
  readonly clientId: string
  readonly host: string
  readonly port: number
  /** The name that the certificate has to be for; left out for an address. */
  readonly servername?: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

interface Pending {
  readonly correlationId: number
  readonly end: (error: Error | null, frame?: Buffer) => void
  readonly timer: NodeJS.Timeout
}

type ParseAnswer = (correlationId: number, apiKey: number, apiVersion: number, reader: Reader) => unknown

const LENGTH_BYTES = 4
const HEADER_BYTES = 8
const FIRST_BYTES = 1 << 16
/** No answer is longer: brokers send at most what a fetch asks for, or one record batch. */
const MAX_BYTES = 1 << 30
/** Of a session's life, when it is not used any more. */
const SESSION_PART = 0.8

export class BrokerConnection {
  readonly #options: BrokerConnectionOptions
  readonly #pending: Pending[] = []
  #socket: Socket | undefined
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #filled = 0
  #correlationId = 0
  #isReady = false
  #isPlaintextKnown = false
  #sessionEnd: NodeJS.Timeout | undefined

  constructor(options: BrokerConnectionOptions) {
    this.#options = options
    this.#isPlaintextKnown = options.tls !== undefined
  }

  /** What the client library's requests are sent through: of its own connection they use `send` alone. */
  get api(): Connection {
    return this as unknown as Connection
  }

  /** Whether it takes requests. */
  get isConnected(): boolean {
    return this.#isReady && this.#socket?.destroyed === false
  }

  /** Connects, and says who we are where the cluster asks for it. */
  async open(): Promise<void> {
    const { connectTimeoutMs, host, port } = this.#options
    const timer = setTimeout(
      () => this.#socket?.destroy(new Error(`Connection to ${host}:${port} timed out.`)),
      connectTimeoutMs,
    )
    try {
      await this.#connect()
      await this.#authenticate()
    } finally {
      clearTimeout(timer)
    }
    this.#isReady = true
  }

  /** Ends it; what is under way fails. */
  async close(): Promise<void> {
    this.#isReady = false
    clearTimeout(this.#sessionEnd)
    const socket = this.#socket
    if (socket === undefined || socket.closed) return
    const closed = once(socket, 'close')
    socket.destroy()
    this.#failAll(new Error('Connection closed'))
    await closed
  }

  /** Sends a request of the client library and calls back with its answer, parsed in place (B1). */
  send(
    apiKey: number,
    apiVersion: number,
    createRequest: () => Writer,
    parse: ParseAnswer,
    hasRequestTags: boolean,
    hasAnswerTags: boolean,
    callback: Callback<unknown>,
  ): void {
    const correlationId = (this.#correlationId = (this.#correlationId + 1) & 0x7fffffff)
    const socket = this.#socket
    if (socket === undefined || socket.destroyed) return callback(new Error('Connection closed'))
    const writer = Writer.create().appendInt16(apiKey).appendInt16(apiVersion).appendInt32(correlationId)
    writer.appendString(this.#options.clientId, false)
    if (hasRequestTags) writer.appendTaggedFields()
    writer.appendFrom(createRequest()).prependLength()
    const end = (error: Error | null, frame?: Buffer): void => {
      if (error !== null || frame === undefined) return callback(error)
      const reader = Reader.from(frame)
      // Tags of the header: brokers send none, which is one byte.
      reader.position = hasAnswerTags ? HEADER_BYTES + 1 : HEADER_BYTES
      answer(callback, () => parse(correlationId, apiKey, apiVersion, reader))
    }
    const { requestTimeoutMs, host, port } = this.#options
    const late = (): void => void socket.destroy(new Error(`${host}:${port} did not answer in time.`))
    this.#pending.push({ correlationId, end, timer: setTimeout(late, requestTimeoutMs) })
    socket.write(writer.buffer)
  }

  async #connect(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const socket = this.#makeSocket(resolve)
      this.#socket = socket
      socket.setNoDelay(true)
      let reason = new Error('Connection closed')
      socket.on('error', (error) => (reason = error))
      socket.on('close', () => {
        this.#isReady = false
        reject(reason)
        this.#failAll(reason)
      })
    })
  }

  #makeSocket(whenConnected: () => void): Socket {
    const { host, port, tls, servername } = this.#options
    const onread: OnReadOpts = {
      buffer: () => this.#buffer.subarray(this.#filled),
      callback: (bytesRead) => this.#take(bytesRead),
    }
    if (tls === undefined) return connect({ host, port, onread }, whenConnected)
    const name = servername === undefined ? {} : { servername }
    const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
      ...tls,
      ...name,
      rejectUnauthorized: true,
      host,
      port,
      onread,
    }
    return connectTls(options, whenConnected)
  }

  async #authenticate(): Promise<void> {
    const { sasl } = this.#options
    if (sasl === undefined) return
    const { mechanism, username = '', password = '' } = sasl
    try {
      await saslHandshakeV1.api.async(this.api, mechanism)
      const { sessionLifetimeMs } = await (mechanism === 'PLAIN'
        ? saslPlain.authenticate(saslAuthenticateV2.api, this.api, username, password)
        : saslScramSha.authenticate(
            saslAuthenticateV2.api,
            this.api,
            mechanism.slice('SCRAM-'.length) as 'SHA-256',
            username,
            password,
          ))
      if (sessionLifetimeMs > 0) this.#endSessionAfter(Number(sessionLifetimeMs) * SESSION_PART)
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error
      throw new AuthenticationError('SASL authentication failed.', { cause: error })
    }
  }

  #endSessionAfter(ms: number): void {
    this.#sessionEnd = setTimeout(() => {
      this.#isReady = false
      if (this.#pending.length === 0) void this.close()
    }, ms)
    this.#sessionEnd.unref()
  }

  /** Takes what the socket has put behind the bytes that were there. */
  #take(bytesRead: number): boolean {
    this.#filled += bytesRead
    if (!this.#isPlaintextKnown && this.#filled >= 3) {
      this.#isPlaintextKnown = true
      if (isTlsRecord(this.#buffer)) return this.#refuse(new Error('Broker requires TLS.'))
    }
    let start = 0
    let missing = 0
    while (missing === 0 && this.#filled - start >= LENGTH_BYTES) {
      const length = LENGTH_BYTES + this.#buffer.readInt32BE(start)
      if (length < HEADER_BYTES || length > MAX_BYTES) return this.#refuse(new Error('it does not speak as Kafka does'))
      if (this.#filled - start < length) missing = length
      else if (!this.#answer(this.#buffer.subarray(start, start + length))) return false
      else start += length
    }
    this.#makeRoom(start, missing)
    return true
  }

  #answer(frame: Buffer): boolean {
    const [request] = this.#pending
    if (request?.correlationId !== frame.readInt32BE(LENGTH_BYTES))
      return this.#refuse(new Error('it answers what was not asked'))
    this.#pending.shift()
    clearTimeout(request.timer)
    request.end(null, frame)
    if (!this.#isReady && this.#sessionEnd !== undefined && this.#pending.length === 0) void this.close()
    return this.#socket?.destroyed === false
  }

  /** Moves what is left to the front, and sees to it that an answer of `length` bytes fits. */
  #makeRoom(start: number, length: number): void {
    const wanted = Math.max(length, FIRST_BYTES)
    if (wanted > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(wanted)))
      this.#buffer.copy(larger, 0, start, this.#filled)
      this.#buffer = larger
    } else if (start > 0) this.#buffer.copyWithin(0, start, this.#filled)
    this.#filled -= start
  }

  #refuse(error: Error): boolean {
    this.#socket?.destroy(error)
    return false
  }

  #failAll(error: Error): void {
    for (const { end, timer } of this.#pending.splice(0)) {
      clearTimeout(timer)
      end(error)
    }
  }
}

function answer(callback: Callback<unknown>, parse: () => unknown): void {
  let parsed: unknown
  try {
    parsed = parse()
  } catch (error) {
    return callback(error as Error)
  }
  callback(null, parsed)
}

/** Whether an answer begins as one of TLS does. */
function isTlsRecord(bytes: Buffer): boolean {
  const [type = 0, major, minor = 255] = bytes
  return type >= 0x14 && type <= 0x17 && major === 0x03 && minor <= 0x04
}
