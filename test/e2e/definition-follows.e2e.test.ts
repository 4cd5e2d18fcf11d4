/**
 * A definition alone decides: a dimension that arrives as an extra field, a roll-up over any dimensions, renamed
 * tables, other parameters. The engine, the files of `replay`, the tables in PostgreSQL, the verification and the page
 * follow.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { planPage } from '../../src/pipeline/page.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { eventually } from '../support/eventually.ts'
import { runSql, startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

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

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

describe('everything follows the definition', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark follows '))
  const definition = join(folder, 'pipeline.json')
  let postgres: TestPostgres
  let databaseUrl: string

  const tidemark = async (...args: readonly string[]): Promise<Ended> =>
    runProgram(process.execPath, [MAIN, ...args], { cwd: folder })

  async function succeed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await tidemark(...args)
    assert.equal(code, 0, `${args.join(' ')}\n${stdout}\n${stderr}`)
    return stdout
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
    await succeed('generate', ...size, ...hostile, '--definition', definition, '--out', 'log')
    await succeed('replay', ...log, '--definition', definition, '--out', 'tables')
    postgres = await startTestPostgres()
    databaseUrl = await postgres.createDatabase()
    await succeed('replay', ...log, '--definition', definition, '--database-url', databaseUrl)
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

  it('counts by the parameters of the definition: with others, other events are late and other clicks count', async () => {
    const parameters = { ...DEFINITION.parameters, attributionWindow: '30m', allowedLateness: '2s' }
    writeFileSync(join(folder, 'other.json'), JSON.stringify({ ...DEFINITION, parameters }))
    const ledgerOf = async (file: string): Promise<Record<string, Record<string, number>>> => {
      const document = JSON.parse(
        await succeed('replay', ...log, '--definition', file, '--out', 'other', '--json'),
      ) as {
        ledger: Record<string, Record<string, number>>
      }
      return document.ledger
    }
    const own = await ledgerOf('pipeline.json')
    const other = await ledgerOf('other.json')
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

  it('verifies the files and PostgreSQL', async () => {
    await succeed('verify', ...log, '--definition', definition, '--tables', 'tables')
    await succeed('verify', ...log, '--definition', definition, '--database-url', databaseUrl)
  })

  it('verifies: control, one wrong cell is found', async () => {
    const key = `(window_start, country) = (select window_start, country from clicks_by_minute order by 1, 2 limit 1)`
    await runSql(databaseUrl, `update clicks_by_minute set clicks = clicks + 1 where ${key}`)
    const { code, stdout, stderr } = await tidemark(
      'verify',
      ...log,
      '--definition',
      definition,
      '--database-url',
      databaseUrl,
    )
    assert.equal(code, 3, stdout + stderr)
    assert.match(stdout + stderr, /clicks_by_minute/)
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

  it('runs the demo by the definition: its traffic, its tables, its page', async () => {
    const url = await postgres.createDatabase()
    const demo = ['demo', '--definition', definition, '--database-url', url, '--port', '0', '--json', '--quiet']
    let page: unknown
    const look = async (child: ChildProcess): Promise<void> => {
      const [banner] = (await once(child.stdout ?? child, 'data')) as [unknown]
      const { url: pageUrl } = JSON.parse(String(banner)) as { url: string }
      await eventually('a country on the page', async () => {
        page = await (await fetch(`${pageUrl}/api/page`)).json()
        return boardOf(page, 'country').length > 0
      })
    }
    let looked = Promise.resolve()
    const { code, stderr } = await runProgram(process.execPath, [MAIN, ...demo], {
      cwd: folder,
      started: (child) => {
        looked = look(child).finally(() => child.kill('SIGTERM'))
      },
    })
    assert.equal(code, 0, stderr)
    await looked
    const countries = new Set(boardOf(page, 'country').map(({ name }) => name))
    const [, ...rowsOfLog] = read('tables/clicks_by_minute.csv').trim().split('\n')
    const generated = new Set(rowsOfLog.map((row) => row.slice(0, row.indexOf(','))))
    assert.ok([...countries].some((country) => generated.has(country)))
    const [[rows]] = (await runSql(url, 'select count(distinct country) from land_by_device')) as [[string]]
    assert.ok(Number(rows) > 1)
  })
})

interface BoardRow {
  readonly name: string
}

/** The rows of a dimension's board in the answer of `/api/page`. */
function boardOf(page: unknown, dimension: string): readonly BoardRow[] {
  const { data } = page as { data: { boards: Readonly<Record<string, { rows: readonly BoardRow[] } | undefined>> } }
  return data.boards[dimension]?.rows ?? []
}
