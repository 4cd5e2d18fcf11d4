/**
 * A way to a server that a test can cut after any number of bytes, in either direction, or make long.
 *
 * Exactly that many bytes get through; then both ends see the connection close. The count begins when the cut is set,
 * and the connections made after a cut are whole.
 */
import { createServer, connect, type Server, type Socket } from 'node:net'

/** `up` is from the client to the server. */
export type Direction = 'up' | 'down'

export class CuttingProxy {
  /** Bytes that passed since the last {@link count} or {@link cutAfter}. */
  readonly passed: Record<Direction, number> = { up: 0, down: 0 }
  /** How much later everything arrives, in both directions, ms. */
  delayMs = 0
  /** Cuts that were made. */
  cuts = 0
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #isAway = false
  #cut: { readonly direction: Direction; left: number } | undefined

  private constructor(host: string, port: number) {
    this.#server = createServer((client) => {
      if (this.#isAway) client.destroy()
      else this.#join(client, connect({ host, port, noDelay: true }))
    })
  }

  /** Starts one before the server that `url` names. */
  static async before(url: string): Promise<CuttingProxy> {
    const { hostname, port } = new URL(url)
    const proxy = new CuttingProxy(hostname, Number(port))
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** `url` by way of the proxy. */
  through(url: string): string {
    const address = this.#server.address()
    const changed = new URL(url)
    changed.hostname = '127.0.0.1'
    changed.port = String(typeof address === 'object' ? address?.port : '')
    return changed.href
  }

  /** Counts anew, without a cut. */
  count(): void {
    this.passed.up = 0
    this.passed.down = 0
    this.#cut = undefined
  }

  /** Cuts once `bytes` more have passed in a direction: after 0 at the first byte that would. */
  cutAfter(bytes: number, direction: Direction): void {
    this.count()
    this.#cut = { direction, left: bytes }
  }

  /** Ends every connection and takes none, until it comes back. */
  goAway(): void {
    this.#isAway = true
    for (const socket of this.#open) socket.destroy()
  }

  comeBack(): void {
    this.#isAway = false
  }

  async close(): Promise<void> {
    this.goAway()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket, server: Socket): void {
    const ends = [client, server]
    for (const end of ends) {
      this.#open.add(end)
      end.on('error', () => undefined)
      end.on('close', () => this.#open.delete(end))
      end.on('close', () => ends.forEach((other) => other.destroySoon()))
    }
    client.setNoDelay(true)
    client.on('data', (bytes) => this.#pass('up', bytes, server, ends))
    server.on('data', (bytes) => this.#pass('down', bytes, client, ends))
  }

  #forward(bytes: Buffer, to: Socket): void {
    if (this.delayMs === 0) to.write(bytes)
    else setTimeout(() => to.write(bytes), this.delayMs)
  }

  #pass(direction: Direction, bytes: Buffer, to: Socket, ends: readonly Socket[]): void {
    const cut = this.#cut?.direction === direction ? this.#cut : undefined
    const through = cut === undefined ? bytes.length : Math.min(cut.left, bytes.length)
    if (through > 0) this.#forward(bytes.subarray(0, through), to)
    this.passed[direction] += through
    if (cut === undefined) return
    cut.left -= through
    if (through === bytes.length) return
    this.#cut = undefined
    this.cuts++
    for (const end of ends) {
      end.removeAllListeners('data')
      // What was let through still arrives.
      end.destroySoon()
    }
  }
}
