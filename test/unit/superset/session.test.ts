/**
 * What is not Superset, or answers like something else, is told with a way out.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { SupersetSession } from '../../../src/superset/api/session.ts'
import { TidemarkError } from '../../../src/errors.ts'
import { afterwards } from '../../support/afterwards.ts'

describe('SupersetSession', () => {
  it('Q1: says what was answered where it is no JSON', async (context) => {
    const page = '<!doctype html><title>Something else</title>'
    const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`
    const server = createServer((socket) => socket.once('data', () => socket.end(answer))).listen(0, '127.0.0.1')
    afterwards(context, () => server.close())
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await assert.rejects(SupersetSession.open({ url, username: 'admin', password: 'secret' }), (error: unknown) => {
      assert.ok(error instanceof TidemarkError)
      assert.equal(error.code, 'SUPERSET_REFUSED')
      assert.match(error.message, /answered \/api\/v1\/security\/login with no JSON: <!doctype html>/)
      assert.match(error.fix ?? '', /--url/)
      assert.ok(error.cause instanceof SyntaxError)
      return true
    })
  })
})
