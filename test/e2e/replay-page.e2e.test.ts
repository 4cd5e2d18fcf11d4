/**
 * `replay --page`: the end of a finished log on the page, as of the log's own time.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { hasEnded, readUpToMs } from '../../dashboard/src/model/progress.ts'
import type { SnapshotMessage } from '../../src/server/page-data.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

const TIDEMARK = join(import.meta.dirname, '..', '..', 'tidemark')
const NOON_MS = Date.UTC(2020, 1, 29, 12)

/** One impression a minute from `fromMinute` on, counted from noon. */
function impressions(fromMinute: number, count: number): string {
  const record = (minute: number): object => ({
    impression_id: `i${minute}`,
    campaign_id: 'c',
    event_timestamp: NOON_MS + minute * 60_000,
  })
  return Array.from({ length: count }, (_, i) => `${JSON.stringify(record(fromMinute + i))}\n`).join('')
}

describe('replay --page', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark replay page '))
    const click = { click_id: 'k', impression_id: 'i0', event_timestamp: NOON_MS + 5_000 }
    writeFileSync(join(folder, 'impressions.ndjson'), `${impressions(-200, 201)}not an event\n`)
    writeFileSync(join(folder, 'clicks.ndjson'), `${JSON.stringify(click)}\n`)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const replay = async (args: readonly string[], seen: (url: string) => Promise<void>): Promise<Ended> =>
    runProgram(
      TIDEMARK,
      ['replay', '--impressions', 'impressions.ndjson', '--clicks', 'clicks.ndjson', '--page', '--port', '0', ...args],
      {
        cwd: folder,
        started(child) {
          child.stdout?.on('data', (text: string) => {
            const { pageUrl } = JSON.parse(text) as { pageUrl: string }
            void seen(pageUrl).finally(() => child.kill('SIGINT'))
          })
        },
      },
    )

  const pageOf = async (...args: string[]): Promise<{ ended: Ended; message: SnapshotMessage }> => {
    let message: SnapshotMessage | undefined
    const ended = await replay([...args, '--json'], async (url) => {
      message = (await (await fetch(`${url}/api/page`)).json()) as SnapshotMessage
    })
    assert.equal(ended.code, 130, ended.stderr)
    assert.ok(message !== undefined)
    return { ended, message }
  }

  it('shows the last hour of the log, final, as of its end', async () => {
    const { message } = await pageOf('--out', 'tables')
    const { page, data, status } = message
    assert.deepEqual(data.range, {
      startMs: NOON_MS - 59 * 60_000,
      endMs: NOON_MS + 60_000,
      finalUpToMs: NOON_MS + 60_000,
    })
    assert.deepEqual(data.totals.last, [60, 1, 0])
    assert.ok(status !== null && hasEnded(status))
    assert.equal(readUpToMs(page, status), NOON_MS + 5_000)
    assert.deepEqual([status.database.state, status.ledger.impressions.difference], ['none', 0])
    assert.equal(status.ledger.impressions.classes.malformed, 1)
    const [header = '', ...rows] = readFileSync(join(folder, 'tables', 'ctr_by_campaign.csv'), 'utf8')
      .trimEnd()
      .split('\n')
    assert.match(header, /^campaign_id,window_start/)
    assert.equal(rows.length, 201, 'the roll-ups of the page are in no table')
  })

  it('lets the first admin in where others can reach it, and keeps who may in the folder it is told', async () => {
    let answer: Response | undefined
    const ended = await replay(['--json', '--quiet', '--host', '0.0.0.0', '--data-dir', 'who may'], async (url) => {
      const password = readFileSync(join(folder, 'who may', 'users', 'admin-password'), 'utf8').trim()
      const body = new URLSearchParams({ name: 'admin', password })
      answer = await fetch(`${url}/login`, { method: 'POST', body, redirect: 'manual' })
    })
    assert.equal(answer?.status, 303, ended.stderr)
    assert.match(ended.stderr, /Log in as "admin" with \S+\n.*kept in .*admin-password/)
  })

  it('looks back as far as it is told, in whole windows', async () => {
    const { data } = (await pageOf('--page-range', '150m')).message
    assert.deepEqual(data.totals.last, [150, 1, 0])
  })

  it('refuses a range of too many windows before anything is read', async () => {
    const ended = await replay(['--page-range', '11h', '--out', 'never'], async () => undefined)
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /--page-range 11h: allowed are 1m to 10h with windows of 1m/)
    assert.throws(() => readFileSync(join(folder, 'never', 'ledger.csv')), /ENOENT/)
  })
})
