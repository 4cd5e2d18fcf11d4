/**
 * The CSV sink: exact text, order of bytes, whole files or none, dead letters.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { parse } from 'csv-parse/sync'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { CsvSink } from '../../../src/sinks/csv/csv-sink.ts'
import { deadLetterLine } from '../../../src/sinks/csv/dead-letter-lines.ts'
import { LedgerTotals } from '../../../src/sinks/ledger-totals.ts'
import { type CellInput, cellChanges, epoch, ledgerChanges, START_MS } from '../../support/change-sets.ts'
import { afterwards } from '../../support/afterwards.ts'

const plan = freezePlan(adPipeline)

function newFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark test '))
  afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const final = (name: string, rest: Partial<CellInput> = {}): CellInput => ({
  dimensions: [name],
  isFinal: true,
  ...rest,
})

describe('CsvSink', () => {
  it('writes every table by the contract: header, exact values, LF', async (context) => {
    const folder = join(newFolder(context), 'made', 'when missing')
    const sink = new CsvSink({ plan, folder })
    await sink.open()
    await sink.write(
      epoch(1, [
        cellChanges('ctr_by_campaign', [
          final('b', { impressions: 3, clicks: 1, micros: 1_500_000n }),
          final('a'),
          { dimensions: ['provisional'], impressions: 9 },
        ]),
      ]),
    )
    await sink.write(epoch(2, [cellChanges('ctr_by_campaign', [final('a', { minute: 1, impressions: 1 })])]))
    await sink.commit()
    await sink.close()
    assert.deepEqual(readdirSync(folder).toSorted(), [
      'clicks_by_minute.csv',
      'ctr_by_campaign.csv',
      'dead_letters.ndjson',
      'engagement_by_device.csv',
      'ledger.csv',
      'performance.csv',
    ])
    assert.equal(
      readFileSync(join(folder, 'ctr_by_campaign.csv'), 'utf8'),
      'campaign_id,window_start,window_end,impressions,clicks,ctr,spend,is_final\n' +
        'a,2026-01-01T00:00:00.000Z,2026-01-01T00:01:00.000Z,0,0,,0.000000,true\n' +
        'b,2026-01-01T00:00:00.000Z,2026-01-01T00:01:00.000Z,3,1,0.3333333333333333,1.500000,true\n' +
        'a,2026-01-01T00:01:00.000Z,2026-01-01T00:02:00.000Z,1,0,0,0.000000,true\n',
    )
    assert.equal(
      readFileSync(join(folder, 'clicks_by_minute.csv'), 'utf8'),
      'campaign_id,device_type,window_start,window_end,clicks,is_final\n',
    )
  })

  it('keeps hostile names as they are, in the order of their UTF-8 bytes', async (context) => {
    const folder = newFolder(context)
    const names = [
      '🙂',
      '\uE000',
      '\uFFFF',
      'é',
      'a,b',
      'a"b',
      'a\nb',
      'a\r\nb',
      'a\rb',
      ' a ',
      '=1+1',
      '"',
      ',',
      '',
      '你好',
      `';--`,
    ]
    const sink = new CsvSink({ plan, folder })
    await sink.open()
    await sink.write(
      epoch(1, [
        cellChanges(
          'ctr_by_campaign',
          names.map((name) => final(name)),
        ),
      ]),
    )
    await sink.commit()
    const text = readFileSync(join(folder, 'ctr_by_campaign.csv'), 'utf8')
    const records = parse(text, { record_delimiter: '\n', from_line: 1 })
    const byBytes = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual(
      records.slice(1).map((record) => record[0]),
      byBytes,
    )
    // The control: the order of UTF-16 units is another one.
    assert.notDeepEqual(names.toSorted(), byBytes)
  })

  it('K3: writes the newest ledger at the end, sorted, without rows of 0 events', async (context) => {
    const folder = newFolder(context)
    const sink = new CsvSink({ plan, folder })
    await sink.open()
    await sink.write(
      epoch(
        1,
        [],
        ledgerChanges([
          [1, 'clicks', 'pending', 2],
          [0, 'impressions', 'counted', 1],
        ]),
      ),
    )
    await sink.write(
      epoch(
        2,
        [],
        ledgerChanges([
          [1, 'clicks', 'pending', 0],
          [1, 'clicks', 'orphan', 2],
          [0, 'impressions', 'counted', 3],
          [0, 'clicks', 'late', 1],
        ]),
      ),
    )
    await sink.commit()
    assert.equal(
      readFileSync(join(folder, 'ledger.csv'), 'utf8'),
      'stream,window_start,class,events\n' +
        'clicks,2026-01-01T00:00:00.000Z,late,1\n' +
        'impressions,2026-01-01T00:00:00.000Z,counted,3\n' +
        'clicks,2026-01-01T00:01:00.000Z,orphan,2\n',
    )
  })

  it('leaves nothing behind without a commit, and an earlier run as it was', async (context) => {
    const folder = newFolder(context)
    writeFileSync(join(folder, 'ctr_by_campaign.csv'), 'earlier')
    const sink = new CsvSink({ plan, folder })
    await sink.open()
    await sink.write(epoch(1, [cellChanges('ctr_by_campaign', [final('a')])]))
    assert.ok(readdirSync(folder).length > 1, 'there is something to clear up')
    assert.equal(readFileSync(join(folder, 'ctr_by_campaign.csv'), 'utf8'), 'earlier')
    await sink.close()
    await sink.close()
    assert.deepEqual(readdirSync(folder), ['ctr_by_campaign.csv'])
    assert.equal(readFileSync(join(folder, 'ctr_by_campaign.csv'), 'utf8'), 'earlier')
  })

  it('says what it cannot write, and how to go on', async (context) => {
    const folder = newFolder(context)
    writeFileSync(join(folder, 'file'), '')
    const below = new CsvSink({ plan, folder: join(folder, 'file', 'below') })
    await assert.rejects(below.open(), { code: 'OUTPUT_UNWRITABLE', message: /file\/below/, fix: /--out/ })
    // Where a pseudo file system calls what it forbids "no such file", Node's recursive mkdir never returns.
    if (existsSync('/proc/self')) {
      const pseudo = new CsvSink({ plan, folder: '/proc/nope/below' })
      await assert.rejects(pseudo.open(), { code: 'OUTPUT_UNWRITABLE', message: /\/proc\/nope/ })
    }
    mkdirSync(join(folder, 'ctr_by_campaign.csv'))
    const blocked = new CsvSink({ plan, folder })
    await assert.rejects(blocked.open(), { code: 'OUTPUT_UNWRITABLE', message: /ctr_by_campaign\.csv/ })
    await blocked.close()
    assert.deepEqual(readdirSync(folder).toSorted(), ['ctr_by_campaign.csv', 'file'])
    chmodSync(folder, 0o755)
    assert.ok(existsSync(folder))
  })

  it('K1: has every file on disk before the first appears', async (context) => {
    const folder = newFolder(context)
    const sink = new CsvSink({ plan, folder })
    await sink.open()
    await sink.write(
      epoch(1, [cellChanges('ctr_by_campaign', [final('a')])], ledgerChanges([[0, 'clicks', 'late', 1]])),
    )
    await sink.prepare()
    await sink.prepare()
    const names = readdirSync(folder)
    assert.ok(names.length === 6 && names.every((name) => name.endsWith('.partial')))
    const text = readFileSync(join(folder, `.ledger.csv.${process.pid}.partial`), 'utf8')
    await sink.commit()
    assert.equal(readFileSync(join(folder, 'ledger.csv'), 'utf8'), text)
    assert.match(text, /late,1\n$/)
  })

  it('W2 of whole-file: clears up after a killed writer, and leaves a living one alone', async (context) => {
    const folder = newFolder(context)
    const dead = spawnSync(process.execPath, ['--version']).pid
    const kept = [`.ledger.csv.${process.ppid}.partial`, '.notes.partial', `x.${dead}.partial`]
    for (const name of [...kept, `.ledger.csv.${dead}.partial`, `.a\nb.csv.${dead}.partial`])
      writeFileSync(join(folder, name), '')
    const sink = new CsvSink({ plan, folder })
    await sink.open()
    await sink.close()
    assert.deepEqual(readdirSync(folder).toSorted(), kept.toSorted())
  })

  it('K2: refuses windows out of order instead of writing an unsorted file', async (context) => {
    const sink = new CsvSink({ plan, folder: newFolder(context) })
    await sink.open()
    await sink.write(epoch(1, [cellChanges('ctr_by_campaign', [final('a', { minute: 5 })])]))
    const earlier = epoch(2, [cellChanges('ctr_by_campaign', [final('a', { minute: 4 })])])
    await assert.rejects(sink.write(earlier), { code: 'INTERNAL', message: /out of order/ })
    await sink.close()
  })
})

describe('dead letters', () => {
  const letter = {
    stream: 'clicks',
    partition: 'clicks-0.ndjson',
    position: 7,
    reason: 'bad_time',
    field: 'event_timestamp',
  } as const
  const lineOf = (bytes: Uint8Array, byteLength = bytes.length): unknown =>
    JSON.parse(deadLetterLine({ ...letter, bytes, byteLength }))

  it('show a readable record as text', () => {
    const text = '{"click_id":"<b>你好\u2028"}\t\u0000'
    assert.deepEqual(lineOf(Buffer.from(text)), { ...letter, text, byteLength: Buffer.byteLength(text) })
    assert.equal(deadLetterLine({ ...letter, bytes: Buffer.from('a\nb'), byteLength: 3 }).includes('\n'), false)
  })

  it('show any other bytes in base64', () => {
    assert.deepEqual(lineOf(Buffer.from([0xff, 0x41])), { ...letter, base64: '/0E=', byteLength: 2 })
  })

  it('stay readable when they were cut inside a character', () => {
    const whole = Buffer.from('ab🙂')
    assert.deepEqual(lineOf(whole.subarray(0, 4), 900), { ...letter, text: 'ab', byteLength: 900 })
    // The control: uncut, the same bytes are no text.
    assert.deepEqual(lineOf(whole.subarray(0, 4)), { ...letter, base64: 'YWLwnw==', byteLength: 4 })
  })

  it('name a field only where one is to blame', () => {
    const line = deadLetterLine({ ...letter, field: undefined, bytes: Buffer.from('x'), byteLength: 1 })
    assert.equal(line.includes('field'), false)
  })
})

describe('LedgerTotals', () => {
  it('keeps the last value of each row', () => {
    const totals = new LedgerTotals()
    totals.merge(ledgerChanges([[3, 'clicks', 'counted', 5]]))
    totals.merge(
      ledgerChanges([
        [3, 'clicks', 'counted', 4],
        [2, 'impressions', 'malformed', 1],
      ]),
    )
    assert.deepEqual(totals.rows(), {
      count: 2,
      windowStartMs: [START_MS + 120_000, START_MS + 180_000],
      stream: ['impressions', 'clicks'],
      eventClass: ['malformed', 'counted'],
      events: [1, 4],
    })
  })
})
