/**
 * `replay` as a user meets it beside the main path: what happens to malformed events, options that are wrong.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

const PROGRAM = join(import.meta.dirname, '..', '..', 'tidemark')
const AT_MS = Date.UTC(2026, 0, 1)

describe('replay', () => {
  let folder = ''
  const run = async (...args: string[]): Promise<Ended> => runProgram(PROGRAM, args, { cwd: folder })
  const replayed = async (...args: string[]): Promise<Ended> =>
    run('replay', '--impressions', 'impressions.ndjson', '--clicks', 'clicks.ndjson', ...args)

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark replay '))
    writeFileSync(join(folder, 'impressions.ndjson'), `${impressionLine('i1', AT_MS)}\nno event\n`)
    writeFileSync(join(folder, 'clicks.ndjson'), `${clickLine('k1', 'i1', AT_MS + 1_000)}\n{"click_id":7}\n`)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('says how many events are malformed, and how to keep them', async () => {
    const { code, stderr } = await replayed()
    assert.equal(code, 0)
    assert.match(stderr, /2 malformed events counted, but not kept: give --dead-letters FILE/)
  })

  it('keeps malformed events without any tables', async () => {
    const { code, stderr } = await replayed('--dead-letters', 'letters.ndjson')
    assert.equal(code, 0, stderr)
    assert.match(stderr, /2 malformed events, with the reason of each, in letters\.ndjson/)
    const letters = readFileSync(join(folder, 'letters.ndjson'), 'utf8').trim().split('\n')
    assert.deepEqual(
      letters.map((line) => (JSON.parse(line) as { text: string }).text),
      ['no event', '{"click_id":7}'],
    )
  })

  it('keeps them in the file asked for and beside the tables', async () => {
    const { code } = await replayed('--out', 'tables', '--dead-letters', join('tables', 'more.ndjson'))
    assert.equal(code, 0)
    assert.equal(
      readFileSync(join(folder, 'tables', 'more.ndjson'), 'utf8'),
      readFileSync(join(folder, 'tables', 'dead_letters.ndjson'), 'utf8'),
    )
  })

  it('writes over files only, and nothing at all where one cannot be written', async () => {
    for (const [target, said] of [
      ['/dev/null', /not a file/],
      ['.', /not a file/],
      [join('none', 'letters.ndjson'), /no such file/],
    ] as const) {
      const { code, stderr } = await replayed('--out', 'never', '--dead-letters', target)
      assert.equal(code, 1, target)
      assert.match(stderr, /^error \[OUTPUT_UNWRITABLE\] /)
      assert.match(stderr, said)
      assert.deepEqual(existsSync(join(folder, 'never')) ? readdirSync(join(folder, 'never')) : [], [])
    }
  })

  it('reads compressed standard input, and verify agrees', async () => {
    const text = readFileSync(join(folder, 'impressions.ndjson'))
    for (const compress of [gzipSync, zstdCompressSync]) {
      writeFileSync(join(folder, 'no-suffix'), compress(text))
      const piped = async (...args: string[]): Promise<Ended> =>
        runProgram('/bin/sh', ['-c', `cat no-suffix | "$0" "$@"`, PROGRAM, ...args], { cwd: folder })
      for (const command of ['replay', 'verify']) {
        const target = command === 'replay' ? '--out' : '--tables'
        const { code, stdout } = await piped(command, '--impressions', '-', target, 'piped', '--json')
        assert.equal(code, 0)
        const { ledger } = JSON.parse(stdout) as { ledger: { impressions: { counted: number; malformed: number } } }
        assert.deepEqual([ledger.impressions.counted, ledger.impressions.malformed], [1, 1])
      }
    }
  })

  it('refuses a database URL that is none, in every command, without showing a password', async () => {
    const url = 'mysql://me:s3cret@localhost/ads'
    const commands = [
      ['replay', '--impressions', 'impressions.ndjson', '--database-url', url],
      ['verify', '--impressions', 'impressions.ndjson', '--database-url', url],
      ['doctor', '--database-url', url],
      ['demo', '--port', '0', '--database-url', url],
    ]
    for (const args of commands) {
      const { code, stderr } = await run(...args)
      assert.equal(code, 2, `${args[0]}: ${stderr}`)
      assert.match(stderr, /error \[USAGE\] .*mysql:.*Allowed: postgresql:/)
      assert.ok(!stderr.includes('s3cret'))
    }
  })
})
