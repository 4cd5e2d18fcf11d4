/**
 * The limited fallback: PostgreSQL compiled to WebAssembly, in this process, behind a socket that speaks PostgreSQL's
 * protocol on the loopback interface. It serves one connection at a time and a few hundred megabytes.
 *
 * Z1  One connection has the database to itself; others wait in line for a while, then are told why they cannot have
 *     it.
 * Z2  A connection starts with nothing of the one before: its transaction, locks, settings and statements are gone,
 *     wherever it broke off. Where they cannot be cleared nobody gets in any more, and is told so.
 * Z3  Nobody gets in without the password.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../errors.ts'

const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102
/** Shorter than clients wait for a connection: they are told why. */
const WAIT_MS = 4_000

const SYNC = framed('S', '')

/** PGlite behind a socket. */
export class PgliteServer {
  readonly #database: PGlite
  readonly #password: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0
  #isBusy = false
  /** Ends with the connection that is served; never rejects. */
  #served: Promise<void> = Promise.resolve()
  /** Why nobody is served any more. */
  #failure: string | undefined

  private constructor(database: PGlite, password: string) {
    this.#database = database
    this.#password = password
    this.#server = createServer((socket) => void this.#accept(socket))
  }

  /**
   * Opens the database in `folder`, made if missing.
   *
   * @param wishedPort taken if it is free
   */
  static async start(folder: string, password: string, wishedPort: number): Promise<PgliteServer> {
    const server = new PgliteServer(await PGlite.create(folder), password)
    server.#port = await listen(server.#server, wishedPort)
    return server
  }

  get port(): number {
    return this.#port
  }

  /** Ends all connections and closes the database. Safe to call twice. */
  async stop(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await this.#served
    if (!this.#database.closed) await this.#database.close()
  }

  async #accept(socket: Socket): Promise<void> {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    const tooLong = delay(WAIT_MS, 'too long', { ref: false })
    // Looked at and taken in one turn: all who wait wake together (Z1).
    while (this.#isBusy)
      if ((await Promise.race([this.#served, tooLong])) === 'too long')
        return void socket.end(fatal('53300', 'PGlite serves one connection at a time'))
    if (this.#failure !== undefined) socket.end(fatal('58000', `PGlite cannot go on: ${this.#failure}`))
    else this.#served = this.#serve(socket)
  }

  async #serve(socket: Socket): Promise<void> {
    this.#isBusy = true
    try {
      await serveConnection(this.#database, socket, this.#password)
      if (!this.#database.closed) await forget(this.#database)
    } catch (error) {
      this.#failure = messageOf(error)
    } finally {
      this.#isBusy = false
    }
  }
}

async function listen(server: Server, wishedPort: number): Promise<number> {
  for (const port of [wishedPort, 0]) {
    const found = await new Promise<number | undefined>((resolve) => {
      server.once('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : undefined)
      })
    })
    if (found !== undefined) return found
  }
  throw new Error('no free port on 127.0.0.1')
}

async function serveConnection(database: PGlite, socket: Socket, password: string): Promise<void> {
  try {
    const frames = new Frames(socket)
    if (await greet(database, socket, frames, password)) await relay(database, socket, frames)
  } catch {
    // The client is gone in the middle of a frame; nobody is left to tell.
  } finally {
    socket.end()
  }
}

/** Everything up to the first ReadyForQuery. Gives false when the connection ends there. */
async function greet(database: PGlite, socket: Socket, frames: Frames, password: string): Promise<boolean> {
  for (;;) {
    const frame = await frames.next(false)
    const code = frame?.readInt32BE(4)
    if (frame === undefined || code === CANCEL_REQUEST) return false
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      socket.write('N')
      continue
    }
    socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]))
    const answer = await frames.next(true)
    if (answer?.subarray(5, -1).toString() !== password) {
      socket.write(fatal('28P01', 'password authentication failed'))
      return false
    }
    socket.write(await database.execProtocolRaw(frame))
    return true
  }
}

async function relay(database: PGlite, socket: Socket, frames: Frames): Promise<void> {
  for (let frame = await frames.next(true); frame !== undefined; frame = await frames.next(true)) {
    if (String.fromCharCode(frame[0] ?? 0) === 'X') return
    socket.write(await database.execProtocolRaw(frame))
  }
}

/**
 * Clears what a connection leaves. After an error PostgreSQL takes nothing in until a Sync, and its client may be gone.
 */
async function forget(database: PGlite): Promise<void> {
  await database.execProtocolRaw(SYNC)
  await database.exec('rollback')
  await database.exec('discard all')
}

function fatal(state: string, message: string): Buffer {
  return framed('E', `SFATAL\0VFATAL\0C${state}\0M${message}\0\0`)
}

function framed(type: string, text: string): Buffer {
  const body = Buffer.from(text)
  const frame = Buffer.alloc(5 + body.length)
  frame.write(type)
  frame.writeInt32BE(4 + body.length, 1)
  body.copy(frame, 5)
  return frame
}

/** Cuts what a socket brings into messages of the protocol. */
class Frames {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]()
  }

  /** The next message; undefined at the end. The first ones of a connection have no letter for their type. */
  async next(hasType: boolean): Promise<Buffer | undefined> {
    const lengthAt = hasType ? 1 : 0
    const parts = [this.#rest]
    let size = this.#rest.length
    let wanted = lengthAt + 4
    for (;;) {
      if (size >= wanted) {
        const all = parts.length === 1 ? (parts[0] ?? this.#rest) : Buffer.concat(parts)
        parts.splice(0, parts.length, all)
        const frameSize = lengthAt + all.readInt32BE(lengthAt)
        if (size >= frameSize) {
          this.#rest = all.subarray(frameSize)
          return all.subarray(0, frameSize)
        }
        wanted = frameSize
      }
      const chunk = await this.#chunks.next()
      if (chunk.done === true) return undefined
      parts.push(chunk.value)
      size += chunk.value.length
    }
  }
}
