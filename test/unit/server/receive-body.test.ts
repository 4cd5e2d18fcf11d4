/**
 * Receiving a body: what a refusal leaves behind.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { BodyPool } from '../../../src/server/ingest/body-pool.ts'
import { ByteBudget, ByteLease } from '../../../src/server/ingest/byte-budget.ts'
import { receiveBody } from '../../../src/server/ingest/receive-body.ts'
import { Refusal } from '../../../src/server/ingest/refusal.ts'
import { Turns } from '../../../src/server/ingest/turns.ts'
import { afterwards } from '../../support/afterwards.ts'

class WatchedPool extends BodyPool {
  taken = 0

  override take(byteLength: number): Buffer {
    this.taken++
    return super.take(byteLength)
  }
}

describe('receiving a body', () => {
  for (const [limitBytes, isTaken] of [
    [10, false],
    [1 << 20, true],
  ] as const)
    it(`${isTaken ? 'takes' : 'that is refused takes no'} buffer of the pool`, async (t) => {
      const pool = new WatchedPool()
      const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
        const budget = new ByteBudget(limitBytes)
        const lease = new ByteLease(budget)
        const turns = new Turns(budget)
        const ended = once(request, 'end')
        const received = await receiveBody(request, { lease, pool, turns, maxBytes: 1 << 20, room: 1 })
        assert.equal(received instanceof Refusal, !isTaken)
        request.resume()
        await ended
        response.end(String(pool.taken))
      }
      const server = createServer((request, response) => void respond(request, response)).listen(0, '127.0.0.1')
      afterwards(t, () => server.close())
      await once(server, 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const answer = await fetch(url, { method: 'POST', body: 'x'.repeat(200_000) })
      assert.equal(await answer.text(), isTaken ? '1' : '0')
    })
})
