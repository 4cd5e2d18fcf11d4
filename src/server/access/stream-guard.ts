/**
 * Streams that are open for hours: each goes on only as long as its reader may still see what it was opened with.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from './access.ts'

interface Watched {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What the reader could see at its beginning. */
  readonly scope: string
}

export class StreamGuard {
  readonly #access: Access | undefined
  readonly #open = new Set<Watched>()

  constructor(access: Access | undefined) {
    this.#access = access
  }

  /** Watches a stream that has just been opened. */
  watch(request: IncomingMessage, response: ServerResponse): void {
    if (this.#access === undefined) return
    const watched = { request, response, scope: this.#scopeOf(request) }
    this.#open.add(watched)
    response.once('close', () => this.#open.delete(watched))
  }

  /**
   * Ends the streams of those who were logged out, removed or limited meanwhile. Before anything is written to them.
   */
  check(): void {
    for (const { request, response, scope } of this.#open) if (this.#scopeOf(request) !== scope) response.destroy()
  }

  #scopeOf(request: IncomingMessage): string {
    try {
      return JSON.stringify(this.#access?.viewerOf(request) ?? null)
    } catch {
      // Users that cannot be read: nobody goes on.
      return ''
    }
  }
}
