/**
 * The example on real input: the converter on a few rows, and the whole way of the public log where it lies beside the
 * checkout.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { SnapshotMessage } from '../../src/server/page-data.ts'
import { eventually } from '../support/eventually.ts'
import { makeDataDir } from '../support/postgres.ts'
import { runProgram, type Ended, type RunOptions } from '../support/run-program.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const EXAMPLE = join(ROOT, 'examples', 'talkingdata')
const LOG = join(ROOT, '..', 'shared', 'data', 'talkingdata', 'train_sample.csv')

const HEADER = 'ip,app,device,os,channel,click_time,attributed_time,is_attributed'
const ROWS = [
  '87540,12,1,13,497,2017-11-07 09:30:38,,0',
  '224120,19,0,29,213,2017-11-08 02:22:13,2017-11-08 02:22:38,1',
  '5,6,7,8,9,soon,,0',
]
const IMPRESSIONS = [
  '{"impression_id":"1","user_id":"87540","campaign_id":"497","ad_id":"12","device_type":"1","browser":"13","event_timestamp":"2017-11-07T09:30:38Z"}',
  '{"impression_id":"2","user_id":"224120","campaign_id":"213","ad_id":"19","device_type":"0","browser":"29","event_timestamp":"2017-11-08T02:22:13Z"}',
  '{"impression_id":"3","user_id":"5","campaign_id":"9","ad_id":"6","device_type":"7","browser":"8","event_timestamp":"soonZ"}',
]
const CLICKS = ['{"click_id":"2","impression_id":"2","user_id":"224120","event_timestamp":"2017-11-08T02:22:38Z"}']

const linesOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

describe('the TalkingData converter', () => {
  let folder = ''
  const convert = async (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
    runProgram(join(ROOT, 'scripts', 'node'), [join(EXAMPLE, 'convert.ts'), ...args], { cwd: folder, ...options })

  before(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark talkingdata '))))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('makes an impression of each row and a click of each install, to files', async () => {
    writeFileSync(join(folder, 'log.csv'), linesOf([HEADER, ...ROWS]))
    const ended = await convert(['log.csv', '--out', 'log'])
    assert.equal(ended.code, 0, ended.stderr)
    assert.equal(readFileSync(join(folder, 'log', 'impressions.ndjson'), 'utf8'), linesOf(IMPRESSIONS))
    assert.equal(readFileSync(join(folder, 'log', 'clicks.ndjson'), 'utf8'), linesOf(CLICKS))
  })

  it('reads standard input, columns in any order, and writes one stream to standard output', async () => {
    const reorder = (row: string): string => row.split(',').reverse().join(',')
    const input = linesOf([HEADER, ...ROWS].map(reorder))
    assert.equal((await convert(['-', '--stream', 'impressions'], { input })).stdout, linesOf(IMPRESSIONS))
    assert.equal((await convert(['-', '--stream', 'clicks'], { input })).stdout, linesOf(CLICKS))
  })

  it('refuses what is not the log, and leaves no file behind', async () => {
    const other = await convert(['-', '--out', 'none'], { input: 'a,b\n1,2\n' })
    assert.equal(other.code, 1)
    assert.match(other.stderr, /header lacks ip, app/)
    const cut = await convert(['-', '--out', 'none'], { input: linesOf([HEADER, ROWS[0] ?? '', '1,2,3']) })
    assert.equal(cut.code, 1)
    assert.match(cut.stderr, /line 3/)
    assert.deepEqual(readdirSync(join(folder, 'none')), [])
  })

  it('says how it is used, and which file is missing', async () => {
    assert.equal((await convert([])).code, 2)
    assert.equal((await convert(['a.csv', '--stream', 'conversions'])).code, 2)
    const missing = await convert(['nowhere.csv', '--out', 'none'])
    assert.equal(missing.code, 66)
    assert.match(missing.stderr, /nowhere\.csv/)
  })
})

describe('the TalkingData log', { skip: skipWithoutLog() }, () => {
  let folder = ''
  before(() => (folder = makeDataDir()))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('is replayed into tables and a page, and verified', async () => {
    let page: SnapshotMessage | undefined
    let children: ChildProcess | undefined
    const ended = await runProgram(join(EXAMPLE, 'run'), ['--dir', folder, '--port', '0'], {
      timeoutMs: 150_000,
      started(child) {
        children = child
        child.stderr?.on('data', (text: string) => {
          const url = /Page at (\S+)/.exec(text)?.[1]
          if (url === undefined) return
          void readPage(url)
            .then((message) => (page = message))
            .finally(() => child.kill('SIGTERM'))
        })
      },
    })
    assert.equal(ended.code, 130, ended.stderr)
    assert.match(ended.stdout, /^Converted: 100,000 impressions, 227 clicks\.$/m)
    assert.match(ended.stdout, /^impressions +100,000 read = 100,000 counted {2}\(difference 0\)$/m)
    assert.match(ended.stdout, /^clicks +227 read = 152 counted \+ 2 out_of_window \+ 73 orphan {2}\(difference 0\)$/m)
    assert.equal(ended.stdout.match(/^equal: all 232,541 cells$/gm)?.length, 2)
    assert.deepEqual(page?.data.totals.last, [100_000, 152])
    assert.equal(page?.status?.ledger.clicks.classes.orphan, 73)
    assert.equal(page?.data.range.endMs, Date.UTC(2017, 10, 9, 16))
    assert.equal(page?.data.range.finalUpToMs, page?.data.range.endMs)
    await eventually('the example ends', () => children?.exitCode !== null)
    assert.ok(!existsSync(join(folder, 'postgres', 'cluster', 'postmaster.pid')), 'its PostgreSQL is stopped')
  })
})

async function readPage(url: string): Promise<SnapshotMessage> {
  const response = await fetch(`${url}/api/page`)
  return (await response.json()) as SnapshotMessage
}

function skipWithoutLog(): string | false {
  if (existsSync(LOG)) return false
  const message = 'the TalkingData log is not beside the checkout: the example is not run on it.'
  process.stderr.write(`tests: ${message}\n`)
  return message
}
