/**
 * The limited fallback: PostgreSQL compiled to WebAssembly, in this process, behind a socket that speaks PostgreSQL's
 * protocol on the loopback interface. It serves one connection at a time and a few hundred megabytes.
 *
 * Z1  One connection has the database to itself; the next waits a little, then is told why it cannot have it.
 * Z2  A connection starts with nothing of the one before: its transaction, locks, settings and statements are gone.
 * Z3  Nobody gets in without the password.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { PGlite } from '@electric-sql/pglite'

/** The only user and the only database of PGlite. */
export const PGLITE_NAME = 'postgres'

const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102
const WAIT_MS = 2_000

/** PGlite behind a socket. */
export class PgliteServer {
  readonly #database: PGlite
  readonly #password: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0
  #isBusy = false
  #served: Promise<void> = Promise.resolve()

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
    if (this.#isBusy) await Promise.race([this.#served, delay(WAIT_MS, undefined, { ref: false })])
    if (this.#isBusy) {
      socket.end(fatal('53300', 'PGlite serves one connection at a time'))
      return
    }
    this.#isBusy = true
    this.#served = serveConnection(this.#database, socket, this.#password).finally(() => {
      this.#isBusy = false
    })
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
    if (!database.closed) await forget(database)
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

async function forget(database: PGlite): Promise<void> {
  await database.exec('rollback')
  await database.exec('discard all')
}

function fatal(state: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${state}\0M${message}\0\0`)
  const frame = Buffer.alloc(5 + fields.length)
  frame.write('E')
  frame.writeInt32BE(4 + fields.length, 1)
  fields.copy(frame, 5)
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
