/**
 * One connection to PostgreSQL: N1 and N2 of `connection.ts`, and which error whoever uses one meets.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connect, withConnection } from '../../src/database/connection.ts'
import { TidemarkError } from '../../src/errors.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

let postgres: TestPostgres
let url: string
before(async () => {
  postgres = await startTestPostgres()
  url = await postgres.createDatabase()
})
after(() => postgres.stop())

const ASKING = { applicationName: 'tidemark test', doing: 'ask' }

describe('work on a connection', () => {
  it('N1: that the server does not answer in time is an outage, which may pass', async () => {
    const asked = withConnection({ url, ...ASKING, queryTimeoutMs: 50 }, (client) =>
      client.query('select pg_sleep(60)'),
    )
    await assert.rejects(asked, { code: 'DATABASE_UNAVAILABLE', retryable: true, message: /^Could not ask: / })
  })

  it('N2: a session that is ended rejects its query, and nothing else', async () => {
    const asked = withConnection({ url, ...ASKING }, async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      const answer = assert.rejects(client.query('select pg_sleep(60)'))
      await runSql(url, `select pg_terminate_backend(${rows[0]?.pid})`)
      await answer
      return client.query('select 1')
    })
    await assert.rejects(asked, { code: 'DATABASE_UNAVAILABLE', retryable: true })
  })

  it('a statement that is wrong is no outage, and what is ours stays as it is', async () => {
    const wrong = withConnection({ url, ...ASKING }, (client) => client.query('select nothing'))
    await assert.rejects(wrong, { code: 'DATABASE_FAILED', retryable: false, message: /"nothing" does not exist/ })
    const ours = new TidemarkError('DATABASE_BUSY', 'busy', { fix: 'wait' })
    await assert.rejects(
      withConnection({ url, ...ASKING }, async () => Promise.reject(ours)),
      (error) => error === ours,
    )
  })

  it('closing twice is closing once', async () => {
    const connection = await connect({ url, ...ASKING })
    await connection.close()
    await connection.close()
    await assert.rejects(connection.client.query('select 1'))
  })
})
