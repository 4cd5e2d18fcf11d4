/**
 * A definition alone decides: a dimension that arrives as an extra field, a roll-up over any dimensions, renamed tables,
 * other parameters. The engine, the files of `replay`, the tables in PostgreSQL, the verification and the page follow.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { planPage } from '../../src/pipeline/page.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const DEFINITION = {
  extends: 'ads',
  ledger: 'accounts',
  parameters: {
    windowSize: '5m',
    attributionWindow: '3s',
    clockSkewTolerance: '250ms',
    outOfOrderness: '20s',
    allowedLateness: '1m',
  },
  dimensions: {
    country: { label: 'Land', missing: 'nowhere' },
    placement: { field: 'slot' },
  },
  measures: {
    cpc: { ratio: ['spend', 'clicks'], label: 'CPC' },
    ecpm: { ratio: ['spend', 'impressions'], scale: 1000, label: 'eCPM' },
  },
  tables: {
    ctr_by_campaign: null,
    campaigns: { dimensions: ['campaign_id'], measures: ['clicks', 'impressions', 'ctr', 'spend'] },
    land_by_device: { dimensions: ['country', 'device_type', 'placement'], measures: ['impressions', 'cpc', 'ecpm'] },
    clicks_by_minute: { dimensions: ['country'] },
    total: { dimensions: [], measures: ['impressions', 'clicks', 'spend'] },
  },
}

/** Table to its columns in PostgreSQL, with types, as the definition asks for them. */
const TABLES: Readonly<Record<string, string>> = {
  engagement_by_device:
    'device_type text, window_start timestamptz, window_end timestamptz, impressions int8, clicks int8, ctr float8, spend numeric, is_final bool, updated_at timestamptz',
  performance:
    'campaign_id text, device_type text, browser text, window_start timestamptz, window_end timestamptz, impressions int8, clicks int8, spend numeric, is_final bool, updated_at timestamptz',
  clicks_by_minute:
    'country text, window_start timestamptz, window_end timestamptz, clicks int8, is_final bool, updated_at timestamptz',
  campaigns:
    'campaign_id text, window_start timestamptz, window_end timestamptz, clicks int8, impressions int8, ctr float8, spend numeric, is_final bool, updated_at timestamptz',
  land_by_device:
    'country text, device_type text, placement text, window_start timestamptz, window_end timestamptz, impressions int8, cpc float8, ecpm float8, is_final bool, updated_at timestamptz',
  total:
    'window_start timestamptz, window_end timestamptz, impressions int8, clicks int8, spend numeric, is_final bool, updated_at timestamptz',
  accounts: 'stream text, window_start timestamptz, class text, events int8, updated_at timestamptz',
}

const ROOT = join(import.meta.dirname, '../..')

describe('everything follows the definition', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark follows '))
  const definition = join(folder, 'pipeline.json')
  let postgres: TestPostgres
  let databaseUrl: string

  interface Outcome {
    readonly code: number | null
    readonly out: string
    readonly err: string
  }

  function tidemark(...args: readonly string[]): Outcome {
    const main = join(ROOT, 'src/cli/main.ts')
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8' })
    return { code: status, out: stdout, err: stderr }
  }

  function succeed(...args: readonly string[]): string {
    const { code, out, err } = tidemark(...args)
    assert.equal(code, 0, `${args.join(' ')}\n${out}\n${err}`)
    return out
  }

  const read = (path: string): string => readFileSync(join(folder, path), 'utf8')

  const log = ['--impressions', 'log/impressions-0.ndjson', 'log/impressions-1.ndjson'].concat([
    '--clicks',
    'log/clicks-0.ndjson',
    'log/clicks-1.ndjson',
  ])

  before(async () => {
    writeFileSync(definition, JSON.stringify(DEFINITION))
    const hostile = '--duplicates 2% --orphans 1% --repeats 2% --late 1% --malformed 0.2% --disorder 15s'.split(' ')
    const size = '--seed 11 --events 20000 --rate 20 --partitions 2'.split(' ')
    succeed('generate', ...size, ...hostile, '--definition', definition, '--out', 'log')
    succeed('replay', ...log, '--definition', definition, '--out', 'tables')
    postgres = await startTestPostgres()
    databaseUrl = await postgres.createDatabase()
    succeed('replay', ...log, '--definition', definition, '--database-url', databaseUrl)
  })

  after(async () => {
    await postgres?.stop()
    rmSync(folder, { recursive: true })
  })

  it('generates the extra fields', () => {
    const [line = ''] = read('log/impressions-0.ndjson').split('\n')
    const event = JSON.parse(line) as Readonly<Record<string, unknown>>
    assert.equal(typeof event['country'], 'string')
    assert.equal(typeof event['slot'], 'string')
    assert.ok(!('placement' in event))
  })

  it('writes the tables of the definition, with its columns, and no others', () => {
    const files = readdirSync(join(folder, 'tables')).filter((file) => file.endsWith('.csv'))
    assert.deepEqual(
      files.toSorted(),
      Object.keys(TABLES)
        .map((name) => `${name}.csv`)
        .toSorted(),
    )
    for (const [name, columns] of Object.entries(TABLES)) {
      const names = columns.split(', ').map((column) => column.split(' ')[0])
      const [header] = read(`tables/${name}.csv`).split('\n')
      assert.equal(header, names.filter((column) => column !== 'updated_at').join(','))
    }
  })

  it('fills them with what the generator says is true', () => {
    for (const name of Object.keys(TABLES)) {
      const rows = read(`tables/${name}.csv`)
      assert.ok(rows.split('\n').length > 3, name)
      assert.equal(rows, read(`log/truth/${name}.csv`), name)
    }
  })

  it('counts by the parameters of the definition: windows of five minutes', () => {
    const rows = read('tables/total.csv').trim().split('\n').slice(1)
    for (const row of rows) {
      const [start = '', end = ''] = row.split(',')
      assert.equal(Date.parse(start) % 300_000, 0)
      assert.equal(Date.parse(end) - Date.parse(start), 300_000)
    }
  })

  it('counts by the parameters of the definition: with others, other events are late and other clicks count', () => {
    const parameters = { ...DEFINITION.parameters, attributionWindow: '30m', allowedLateness: '2s' }
    writeFileSync(join(folder, 'other.json'), JSON.stringify({ ...DEFINITION, parameters }))
    const ledgerOf = (file: string): Record<string, Record<string, number>> => {
      const document = JSON.parse(succeed('replay', ...log, '--definition', file, '--out', 'other', '--json')) as {
        ledger: Record<string, Record<string, number>>
      }
      return document.ledger
    }
    const [own, other] = [ledgerOf('pipeline.json'), ledgerOf('other.json')]
    assert.ok(Number(other['impressions']?.['late']) > Number(own['impressions']?.['late']))
    assert.ok(Number(other['clicks']?.['out_of_window']) < Number(own['clicks']?.['out_of_window']))
  })

  it('makes the tables in PostgreSQL, with its columns and keys, and no others', async () => {
    const found = await runSql(
      databaseUrl,
      `select table_name, string_agg(column_name || ' ' || udt_name, ', ' order by ordinal_position)
       from information_schema.columns
       where table_schema = 'public' and table_name not like 'tidemark%' group by 1 order by 1`,
    )
    assert.deepEqual(
      found,
      Object.entries(TABLES).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
    const keys = await runSql(
      databaseUrl,
      `select string_agg(column_name, ' ' order by ordinal_position) from information_schema.key_column_usage
       where table_name in ('land_by_device', 'total') group by table_name order by table_name`,
    )
    assert.deepEqual(keys, [['window_start country device_type placement'], ['window_start']])
  })

  it('plans the page: a board for each new dimension, the tiles of the new measures', () => {
    const page = planPage(planOf(DEFINITION))
    const boards = page.boards.map((board) => board.dimension)
    assert.deepEqual(
      boards.map(({ name, label }) => `${name} ${label}`),
      ['campaign_id Campaign', 'device_type Device', 'browser Browser', 'country Land', 'placement Placement'],
    )
    assert.deepEqual(
      page.tiles.map((tile) => tile.label),
      ['Impressions', 'Clicks', 'CTR', 'Spend', 'CPC', 'eCPM'],
    )
    assert.equal(page.windowSizeMs, 300_000)
  })
})
