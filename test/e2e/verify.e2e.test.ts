/**
 * `verify` as people and programs meet it: exit codes, what it prints, what it refuses, and that it leaves nothing
 * behind.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { eventually } from '../support/eventually.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const FILES = [
  '--impressions',
  'impressions-0.ndjson',
  'impressions-1.ndjson',
  '--clicks',
  'clicks-0.ndjson',
  'clicks-1.ndjson',
]

describe('verify', () => {
  let folder = ''
  const run = async (args: readonly string[]): Promise<Ended> =>
    runProgram(process.execPath, [MAIN, ...args], { cwd: folder })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark verify e2e '))
    const hostile = ['--duplicates', '5%', '--orphans', '5%', '--repeats', '5%', '--late', '2%', '--malformed', '2%']
    const args = ['--seed', '7', '--events', '3000', '--partitions', '2', ...hostile, '--out', '.']
    const { code, stderr } = await run(['generate', ...args])
    assert.equal(code, 0, stderr)
  })
  after(() => rmSync(folder, { recursive: true }))

  /** A folder with the true tables, some files of which are changed or left out. */
  function tablesWith(name: string, changes: Readonly<Record<string, (csv: string) => string | undefined>>): string {
    mkdirSync(join(folder, name))
    for (const file of readdirSync(join(folder, 'truth')).filter((entry) => entry.endsWith('.csv'))) {
      const csv = readFileSync(join(folder, 'truth', file), 'utf8')
      const changed = changes[file] === undefined ? csv : changes[file](csv)
      if (changed !== undefined) writeFileSync(join(folder, name, file), changed)
    }
    return name
  }

  it('exits 0 when every cell is equal, and names the next command', async () => {
    const { code, stdout, stderr } = await run(['verify', ...FILES, '--tables', 'truth'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /3,000 events recounted/)
    assert.match(stdout, /\(difference 0\)/)
    assert.match(stdout, /equal: all [\d,]+ cells/)
    assert.match(stderr, /next: \.\/tidemark /)
  })

  it('exits 3 when one cell differs, and names it', async () => {
    const tables = tablesWith('one cell', { 'ctr_by_campaign.csv': (csv) => csv.replace(',true\n', ',false\n') })
    const { code, stdout, stderr } = await run(['verify', ...FILES, '--tables', tables])
    assert.equal(code, 3)
    assert.match(stdout, /DIFFERENT: 1 of [\d,]+ cells/)
    assert.match(stdout, /ctr_by_campaign \[window_start=\S+, campaign_id=\S+\] is_final: expected true, found false/)
    assert.match(stderr, /next: \.\/tidemark replay .*--out 'one cell'/)
  })

  it('prints one document with --json', async () => {
    const tables = tablesWith('missing', { 'ledger.csv': () => undefined })
    const { code, stdout } = await run(['verify', ...FILES, '--tables', tables, '--json'])
    assert.equal(code, 3)
    const document = JSON.parse(stdout) as Record<string, unknown> & {
      tables: Record<string, unknown>[]
      differences: unknown[]
    }
    assert.equal(document['equal'], false)
    assert.deepEqual(
      document.tables.map(({ table, isMissing }) => [table, isMissing]),
      [
        ['ctr_by_campaign', false],
        ['engagement_by_device', false],
        ['performance', false],
        ['clicks_by_minute', false],
        ['ledger', true],
      ],
    )
    assert.equal(document.differences.length, 10)
    assert.deepEqual(Object.keys(document.differences[0] as object), ['table', 'key', 'column', 'expected', 'found'])
  })

  it('shows hostile names without letting them steer the terminal', async () => {
    const tables = tablesWith('hostile', {
      'ctr_by_campaign.csv': (csv) => csv.replace(/\n[^,]+/, '\n"\u001b[2J\u202e\u009b1m, name"'),
    })
    const { code, stdout } = await run(['verify', ...FILES, '--tables', tables])
    assert.equal(code, 3)
    assert.ok(stdout.includes('\\u001b[2J\\u{202e}\\u{9b}1m, name'), stdout)
    assert.doesNotMatch(stdout, /[\u001b\u202e\u009b]/)
  })

  it('follows the parameters', async () => {
    const { code } = await run(['verify', ...FILES, '--attribution-window', '2s', '--tables', 'truth'])
    assert.equal(code, 3)
  })

  it('agrees with replay on compressed input of several frames, and on standard input', async () => {
    const lines = readFileSync(join(folder, 'clicks-0.ndjson'))
    const middle = lines.indexOf(0x0a, lines.length / 2) + 1
    const frames = [lines.subarray(0, middle), lines.subarray(middle)].map((part) => zstdCompressSync(part))
    writeFileSync(join(folder, 'clicks-0.ndjson.zst'), Buffer.concat(frames))
    const files = FILES.map((file) => (file === 'clicks-0.ndjson' ? 'clicks-0.ndjson.zst' : file))
    const replayed = await run(['replay', ...files, '--out', 'from frames'])
    assert.equal(replayed.code, 0, replayed.stderr)
    assert.equal((await run(['verify', ...files, '--tables', 'from frames'])).code, 0)
    assert.equal((await run(['verify', ...FILES, '--tables', 'from frames'])).code, 0)
    // Through a shell, for the log holds bytes that are no text.
    const fromStdin = FILES.map((file) => (file === 'clicks-0.ndjson' ? '-' : file))
    const command = [process.execPath, MAIN, 'verify', ...fromStdin, '--tables', 'truth']
    const { code } = await runProgram('sh', ['-c', '"$0" "$@" < clicks-0.ndjson', ...command], { cwd: folder })
    assert.equal(code, 0)
  })

  it('refuses what it cannot do, with the exit code of each', async () => {
    const table: readonly (readonly [args: readonly string[], code: number, message: RegExp])[] = [
      [['--tables', 'truth'], 2, /\[USAGE\] verify needs files/],
      [FILES, 2, /\[USAGE\] verify needs either --tables DIR or --database-url URL/],
      [['--impressions', '-', '--clicks', '-', '--tables', 'truth'], 2, /\[USAGE\] Standard input/],
      [[...FILES, '--tables', 'truth', '--database-url', 'postgres://x'], 2, /\[USAGE\] verify needs either/],
      [
        [...FILES, '--tables', 'nowhere'],
        66,
        /\[INPUT_MISSING\] The tables in "nowhere" cannot be read: there is no such/,
      ],
      [['--clicks', 'nowhere.ndjson', '--tables', 'truth'], 66, /\[INPUT_MISSING\] The input "nowhere.ndjson"/],
      [
        ['--clicks', 'truth', '--tables', 'truth'],
        66,
        /\[INPUT_MISSING\] The input "truth" cannot be read: it is a folder/,
      ],
      [[...FILES, '--database-url', 'postgres://u:secret@127.0.0.1:1/x'], 69, /\[DATABASE_UNAVAILABLE\]/],
    ]
    for (const [args, code, message] of table) {
      const ended = await run(['verify', ...args])
      assert.equal(ended.code, code, args.join(' '))
      assert.match(ended.stderr, message)
      assert.match(ended.stderr, /fix/)
      assert.equal(ended.stdout, '')
      assert.doesNotMatch(ended.stderr, /secret/)
    }
  })

  it('ends when interrupted, and leaves no folder behind', async () => {
    const temporary = join(folder, 'temporary')
    mkdirSync(temporary)
    // Standard input stays open: without the interrupt this would never end.
    const child = spawn(process.execPath, [MAIN, 'verify', '--clicks', '-', '--tables', 'truth'], {
      cwd: folder,
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: 60_000,
    })
    const exited = once(child, 'exit')
    await eventually('the folder to spill to is there', () => readdirSync(temporary).length > 0)
    child.kill('SIGINT')
    assert.deepEqual(await exited, [130, null])
    assert.deepEqual(readdirSync(temporary), [])
  })
})
