/**
 * Simulated logs on a real disk: whole or not at all (F1), and in place of an earlier one (F2).
 */
import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { allTables, textColumns } from '../../src/pipeline/table-text.ts'
import { TRAFFIC_PRESETS, trafficSettings, type TrafficSettings } from '../../src/traffic/settings.ts'
import { generateLog } from '../../src/traffic/writers/generate-log.ts'
import { makeTrafficLog } from '../support/traffic-log.ts'

const plan = freezePlan(adPipeline)
const hostile = { ...TRAFFIC_PRESETS.hostile, seed: 4, partitions: 2 }
let folder = ''

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tidemark log '))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const files = (): string[] => (fs.readdirSync(folder, { recursive: true }) as string[]).toSorted()
const generate = (changes: Partial<TrafficSettings>, events: number, out = folder): ReturnType<typeof generateLog> =>
  generateLog({ plan, settings: trafficSettings(changes), events, out })

const TRUTH_FILES = [...allTables(plan).map(({ name }) => `truth/${name}.csv`), 'truth/totals.json']

test('a log is its partitions and its truth, the same bytes each time', async () => {
  await generate(hostile, 3_000)
  const expected = ['clicks-0.ndjson', 'clicks-1.ndjson', 'impressions-0.ndjson', 'impressions-1.ndjson', 'truth']
  assert.deepEqual(files(), [...expected, ...TRUTH_FILES].toSorted())
  const other = path.join(folder, 'made', 'on the way')
  await generate(hostile, 3_000, other)
  for (const name of [...expected.slice(0, 4), ...TRUTH_FILES])
    assert.ok(fs.readFileSync(path.join(folder, name)).equals(fs.readFileSync(path.join(other, name))), name)
})

test('the files hold the lines and the tables of the traffic, hostile names included', async () => {
  const report = await generate(hostile, 3_000)
  const { traffic, partitions } = makeTrafficLog(plan, trafficSettings(hostile), 3_000)
  for (const { name, bytes } of partitions)
    assert.ok(fs.readFileSync(path.join(folder, `${name}.ndjson`)).equals(Buffer.from(bytes)), name)
  for (const table of allTables(plan)) {
    const text = fs.readFileSync(path.join(folder, 'truth', `${table.name}.csv`), 'utf8')
    const [header, ...rows] = parse(text, { record_delimiter: '\n' })
    assert.deepEqual(
      header,
      textColumns(table).map((column) => column.name),
    )
    assert.deepEqual(rows, traffic.truth.tables().get(table.name))
    assert.equal(report.cells[table.name], rows.length)
  }
  assert.match(fs.readFileSync(path.join(folder, 'truth', 'performance.csv'), 'utf8'), /"'; drop|"<img|'; drop|<img/)
})

test('F2 of log-folder: a smaller log leaves nothing of a larger one, and everything that is not its own', async () => {
  await generate({ partitions: 3 }, 100)
  fs.writeFileSync(path.join(folder, 'notes.txt'), 'mine')
  fs.writeFileSync(path.join(folder, 'truth', 'mine.csv'), 'mine')
  const other = freezePlan({ ...adPipeline, tables: { renamed: { dimensions: [], measures: ['clicks'] } } })
  await generateLog({ plan: other, settings: trafficSettings(), events: 100, out: folder })
  const expected = ['clicks-0.ndjson', 'impressions-0.ndjson', 'notes.txt', 'truth', 'truth/ledger.csv']
  assert.deepEqual(files(), [...expected, 'truth/mine.csv', 'truth/renamed.csv', 'truth/totals.json'].toSorted())
})

test('F1 of log-folder: interrupted, it leaves the earlier log as it was', async () => {
  await generate({ seed: 1 }, 100)
  const before = fs.readFileSync(path.join(folder, 'impressions-0.ndjson'))
  const controller = new AbortController()
  const request = { plan, settings: trafficSettings({ seed: 2 }), events: 1_000_000, out: folder }
  const running = generateLog({
    ...request,
    signal: controller.signal,
    onProgress: () => controller.abort(new TidemarkError('INTERRUPTED', 'Interrupted.')),
  })
  await assert.rejects(running, { code: 'INTERRUPTED' })
  assert.deepEqual(files(), ['clicks-0.ndjson', 'impressions-0.ndjson', 'truth', ...TRUTH_FILES].toSorted())
  assert.ok(fs.readFileSync(path.join(folder, 'impressions-0.ndjson')).equals(before))
})

test('temporary files of a killed run are removed, those of a running one are not', async () => {
  const dead = path.join(folder, 'impressions-0.ndjson.partial-999999999')
  const alive = path.join(folder, `impressions-0.ndjson.partial-${process.ppid}`)
  for (const file of [dead, alive]) fs.writeFileSync(file, '')
  await generate({}, 10)
  assert.deepEqual([fs.existsSync(dead), fs.existsSync(alive)], [false, true])
})

test('a folder that cannot be made is a clear error', async () => {
  const file = path.join(folder, 'file')
  fs.writeFileSync(file, '')
  await assert.rejects(generate({}, 10, path.join(file, 'log')), (error) => {
    assert.ok(error instanceof TidemarkError)
    assert.equal(error.code, 'OUTPUT_UNWRITABLE')
    assert.ok(error.where?.includes('log'))
    return true
  })
})

test('a log of centuries is refused', async () => {
  await assert.rejects(generate({ rate: 0.01 }, 10_000_000), /cover 11574 days \(allowed: up to 366\)/)
})
