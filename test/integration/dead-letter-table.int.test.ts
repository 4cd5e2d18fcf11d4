/**
 * Dead letters in PostgreSQL: in the same transaction as their epoch, and bounded.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { START_MS } from '../support/change-sets.ts'
import { claimedStore, deadLetter, liveEpoch } from '../support/live-epochs.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await startTestPostgres()
})
after(async () => postgres.stop())

describe('dead letters', () => {
  it('L1 and L3: keep the bytes, cut to 4 KiB, and are there once, however often their epoch is written', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url)
    const bytes = Uint8Array.from({ length: 5_000 }, (_, i) => i)
    const one = { ...liveEpoch(1), deadLetters: [deadLetter(1, bytes), deadLetter(2, new Uint8Array())] }
    await store.write(one)
    await store.write(one)
    // A recount reads the same places again.
    await store.write({ ...liveEpoch(2), deadLetters: one.deadLetters })
    const rows = await runSql(
      url,
      `select position, encode(bytes, 'hex'), byte_length, epoch, extract(epoch from arrived_at) * 1000
       from tidemark_dead_letters order by position`,
    )
    const hex = Buffer.from(bytes.subarray(0, 4_096)).toString('hex')
    const arrival = `${START_MS}.000000`
    assert.deepEqual(rows, [
      ['1', hex, '5000', '1', arrival],
      ['2', '', '0', '1', arrival],
    ])
    const [reader] = await runSql(
      url,
      `select has_table_privilege('tidemark_reader', 'tidemark_dead_letters', 'select')`,
    )
    assert.deepEqual(reader, ['t'])
    await store.close()
  })

  it('L2: are bounded by rows and by bytes; what is dropped is the oldest, and is counted', async () => {
    const url = await postgres.createDatabase()
    const store = await claimedStore(url, { deadLetterLimits: { rows: 20, bytes: 1_000 } })
    for (let number = 1; number <= 30; number++) await store.write(liveEpoch(number))
    const kept = await runSql(url, 'select min(position), max(position), count(*) from tidemark_dead_letters')
    const dropped = await runSql(url, 'select dead_letters_dropped from tidemark_meta')
    const [[oldest, newest, count] = []] = kept
    assert.equal(newest, '30')
    assert.ok(Number(count) <= 20 && Number(count) >= 18, `${count} are kept`)
    assert.equal(Number(oldest), 31 - Number(count))
    assert.equal(Number(dropped[0]?.[0]), 30 - Number(count))
    const large = Array.from({ length: 3 }, (_, i) => deadLetter(100 + i, new Uint8Array(400)))
    await store.write({ ...liveEpoch(31), deadLetters: large })
    const [bytes] = await runSql(url, 'select sum(octet_length(bytes)), count(*) from tidemark_dead_letters')
    assert.deepEqual(bytes, ['800', '2'])
    await store.close()
  })
})
