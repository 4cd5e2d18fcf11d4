/**
 * Connections to a cluster: C1 and C2 of `connections.ts`, with a broker that takes connections and never answers.
 */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { Cluster } from '../../../src/sources/kafka/cluster.ts'
import { eventually } from '../../support/eventually.ts'
import { afterwards } from '../../support/afterwards.ts'

async function silentBroker(context: TestContext): Promise<{ address: string; open: Set<Socket>; taken: Socket[] }> {
  const open = new Set<Socket>()
  const taken: Socket[] = []
  const server = createServer((socket) => {
    open.add(socket)
    taken.push(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  afterwards(context, async () => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, open, taken }
}

const failing = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  )

test('C2: who asks at once shares a connection, and the end leaves none and makes none', async (context) => {
  const { address, open, taken } = await silentBroker(context)
  const cluster = new Cluster({ brokers: address })
  const asked = ['one', 'other', 'third'].map(async (name) => failing(cluster.topics([name])))
  await eventually('a connection', () => open.size > 0)
  await cluster.close()
  assert.deepEqual(await Promise.all(asked), Array(3).fill('KAFKA_UNAVAILABLE'))
  assert.equal(taken.length, 1)
  await eventually('it is closed', () => open.size === 0)
  assert.equal(await failing(cluster.topics(['late'])), 'KAFKA_UNAVAILABLE')
  assert.equal(taken.length, 1)
})

test('C1: a connection that was cut is made anew by the next call', async (context) => {
  const { address, open, taken } = await silentBroker(context)
  const cluster = new Cluster({ brokers: address })
  for (const connections of [1, 2]) {
    const asked = failing(cluster.topics(['one']))
    await eventually('a connection', () => taken.length === connections && open.size === 1)
    taken.at(-1)?.destroy()
    assert.equal(await asked, 'KAFKA_UNAVAILABLE')
  }
  await cluster.close()
})
