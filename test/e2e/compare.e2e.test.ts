/**
 * `tidemark compare`: two databases from the command line.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'tidemark')

describe('compare', () => {
  let postgres: TestPostgres
  let first: string
  let second: string
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-compare-'))
  const tidemark = async (...args: readonly string[]): Promise<Ended> => runProgram(LAUNCHER, args)

  before(async () => {
    postgres = await startTestPostgres()
    await tidemark('generate', '--seed', '5', '--events', '2000', '--rate', '5', '--orphans', '3%', '--out', folder)
    first = await filled()
    second = await filled()
  })
  after(async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true })
  })

  async function filled(): Promise<string> {
    const url = await postgres.createDatabase()
    const files = (stream: string): string[] => [join(folder, `${stream}-0.ndjson`)]
    const input = ['--impressions', ...files('impressions'), '--clicks', ...files('clicks')]
    const { code, stderr } = await tidemark('replay', ...input, '--database-url', url)
    assert.equal(code, 0, stderr)
    return url
  }

  it('says that two equal ones are equal, as text and as JSON', async () => {
    const { code, stdout } = await tidemark('compare', '--database-url', first, '--with', second)
    assert.equal(code, 0)
    assert.match(stdout, /^ {2}performance +[\d,]+ cells +0 differ$/m)
    assert.match(stdout, /^equal: all [\d,]+ cells$/m)
    const json = await tidemark('compare', '--database-url', first, '--with', second, '--final', '--json')
    const { equal, until, differing, cells } = JSON.parse(json.stdout) as Record<string, unknown>
    assert.deepEqual([equal, differing, typeof until], [true, 0, 'string'])
    assert.ok(Number(cells) > 1_000)
  })

  it("takes Flink's ledger for the same, and says so", async () => {
    await runSql(
      second,
      `insert into ledger (stream, window_start, class, events, updated_at)
         select stream, window_start, 'unattributed', sum(events), now() from ledger
          where class in ('orphan', 'out_of_window', 'pending') group by 1, 2;
       delete from ledger where class in ('orphan', 'out_of_window', 'pending')`,
    )
    const { code, stdout } = await tidemark('compare', '--database-url', first, '--with', second)
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^the second is Flink's/m)
  })

  it('names what differs, and exits with 3', async () => {
    await runSql(
      second,
      `update performance set clicks = clicks + 1 where window_start = (select min(window_start) from performance)`,
    )
    const { code, stdout } = await tidemark('compare', '--database-url', first, '--with', second)
    assert.equal(code, 3)
    assert.match(stdout, /^DIFFERENT: \d+ of [\d,]+ cells/m)
    assert.match(stdout, /^ {2}performance \[.*window_start=.*\] clicks: first \d+, second \d+$/m)
  })

  it('says what it lacks', async () => {
    const empty = await postgres.createDatabase()
    const { code, stderr } = await tidemark('compare', '--database-url', empty, '--with', second)
    assert.equal(code, 78)
    assert.match(stderr, /has no table "ctr_by_campaign"/)
    const final = await tidemark('compare', '--database-url', empty, '--with', second, '--final')
    assert.equal(final.code, 66)
    assert.match(final.stderr, /No window is final/)
  })
})
