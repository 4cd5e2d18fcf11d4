/**
 * The connections that views are read over: how long they are waited for, and how long they may take together.
 */
import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { availableParallelism } from 'node:os'
import { after, afterEach, before, describe, it } from 'node:test'
import { ReaderPool } from '../../src/server/query/reader-pool.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

let postgres: TestPostgres
let url = ''
before(async () => {
  postgres = await startTestPostgres()
  url = await postgres.createDatabase()
})
after(() => postgres.stop())

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

describe('the pool of readers', () => {
  it('B3: many statements that are quick each take no longer together than an answer may', async () => {
    const pool = new ReaderPool({ url, tables: [], statementTimeoutMs: 200 })
    closing.push(() => pool.close())
    const naps = async (most: number): Promise<number> =>
      pool.read(async (snapshot) => {
        let count = 0
        for (; count < most; count++) await snapshot.rows('select pg_sleep(0.05)')
        return count
      })
    assert.equal(await naps(1), 1, 'control')
    await assert.rejects(naps(Infinity), { code: 'VIEW_TIMEOUT', message: /longer than 800 ms/ })
  })

  it('B6: starts no more processes for a statement than there are further cores, and none where the server gives none', async () => {
    const workers = async (): Promise<number> => {
      const pool = new ReaderPool({ url, tables: [] })
      closing.push(() => pool.close())
      const [row] = await pool.read((snapshot) => snapshot.rows('show max_parallel_workers_per_gather'))
      return Number(row?.[0])
    }
    const database = new URL(url).pathname.slice(1)
    const give = (count: number): Promise<unknown> =>
      runSql(url, `alter database ${database} set max_parallel_workers_per_gather = ${count}`)
    await give(16)
    const further = availableParallelism() - 1
    assert.equal(await workers(), further > 2 ? 2 : further)
    await give(0)
    assert.equal(await workers(), 0)
  })

  it('B5: asks a server that does not answer in time once more, and no more than that', async () => {
    const { hostname, port } = new URL(url)
    let connections = 0
    const silent = new Set<number>([1])
    const clients: Socket[] = []
    const busy = createServer((client) => {
      clients.push(client.on('error', () => undefined))
      connections++
      if (silent.has(connections)) return
      const server = connect({ host: hostname, port: Number(port) })
      server.on('error', () => undefined)
      client.pipe(server).pipe(client)
    })
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
    closing.push(async () => {
      for (const client of clients) client.destroy()
      await new Promise((resolve) => busy.close(resolve))
    })
    const through = new URL(url)
    through.hostname = '127.0.0.1'
    through.port = String((busy.address() as AddressInfo).port)
    const ask = async (connectTimeoutMs: number): Promise<unknown> => {
      const pool = new ReaderPool({ url: through.href, tables: [], connectTimeoutMs })
      closing.push(() => pool.close())
      return pool.read(async (snapshot) => snapshot.rows('select 1'))
    }
    assert.deepEqual(await ask(2_000), [['1']])
    assert.equal(connections, 2)
    for (const next of [3, 4, 5, 6]) silent.add(next)
    await assert.rejects(ask(50), { code: 'DATABASE_UNAVAILABLE' })
    assert.equal(connections, 4, 'control: twice and not again')
  })
})
