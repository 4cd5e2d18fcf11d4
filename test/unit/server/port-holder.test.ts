/**
 * Who holds a port, by a name that people know.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { it } from 'node:test'
import { findPortHolder } from '../../../src/server/port-holder.ts'

it('names the program, not its main thread', { skip: process.platform !== 'linux' }, async (context) => {
  const server = createServer().listen(0, '127.0.0.1')
  context.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  assert.equal(await findPortHolder(port), `${basename(process.argv0)} (pid ${process.pid})`)
  server.close()
  await once(server, 'close')
  assert.equal(await findPortHolder(port), undefined, 'control')
})
