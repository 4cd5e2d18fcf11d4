/**
 * Dead letters of a live service: in PostgreSQL and in files alike, and sent again (L1 to L3 of
 * `service/dead-letters.ts`).
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findLetters, replayLetters } from '../../src/service/dead-letters.ts'
import { findInstance } from '../../src/service/running-instance.ts'
import type { StoredLetter } from '../../src/sinks/dead-letters/stored-letter.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

const tidemark = async (...args: readonly string[]): Promise<Ended> =>
  runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args])

const NEVER = new AbortController().signal
const ALL = { filter: {}, limit: 100, onFallback: () => undefined }

function kept(letters: readonly StoredLetter[]): unknown {
  return letters.map(({ partition, position, reason, field, bytes, byteLength }) => {
    return [partition, position, reason, field, Buffer.from(bytes).toString('latin1'), byteLength]
  })
}

describe('dead letters of a live service', () => {
  it('are the same in PostgreSQL and in the files, over a restart too', async (context) => {
    const databaseUrl = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const fromTable = async (): Promise<readonly StoredLetter[]> =>
      findLetters({ ...ALL, dataDir, databaseUrl, filesOnly: false })
    for (let start = 1; start <= 2; start++) {
      const rig = await RunningRig.start(context, { databaseUrl, dataDir })
      await rig.send(
        'impressions',
        'broken',
        impressionLine(`i${start}`, Date.now()),
        '{"impression_id":1}',
        'x'.repeat(5_000),
      )
      await rig.send('clicks', '{"click_id":"\u001b[2J"}')
      await eventually('they are in an epoch', async () => (await fromTable()).length === 4 * start)
      await rig.stop()
    }
    const table = kept(await fromTable())
    const files = kept(await findLetters({ ...ALL, dataDir, databaseUrl, filesOnly: true }))
    const sorted = (letters: unknown): readonly string[] =>
      (letters as unknown[]).map((one) => JSON.stringify(one)).toSorted()
    assert.deepEqual(sorted(files), sorted(table))
    const [newest] = await findLetters({ ...ALL, dataDir, databaseUrl, filesOnly: false, filter: { stream: 'clicks' } })
    assert.ok(Math.abs((newest?.arrivalMs ?? 0) - Date.now()) < 60_000)
  })

  it('L1: come from the files where PostgreSQL cannot be asked, and it is said', async (context) => {
    const databaseUrl = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const rig = await RunningRig.start(context, { databaseUrl, dataDir })
    await rig.send('impressions', 'broken')
    await eventually('it is read', async () => (await rig.status()).ledger.impressions.read === 1)
    await rig.stop()
    const told: string[] = []
    const away = 'postgresql://nobody@127.0.0.1:1/none'
    const found = await findLetters({
      ...ALL,
      dataDir,
      databaseUrl: away,
      filesOnly: false,
      onFallback: (why) => told.push(why),
    })
    assert.deepEqual([found.length, told.length], [1, 1])
    const withoutUrl = { ...ALL, databaseUrl: undefined, filesOnly: false, onFallback: (why: string) => told.push(why) }
    assert.equal((await findLetters({ ...withoutUrl, dataDir })).length, 1, 'the tables are elsewhere')
    assert.match(told[1] ?? '', /no PostgreSQL of ours in/)
    assert.equal(existsSync(join(dataDir, 'postgres')), false, 'no empty server was made to look into')
    const none = join(dataDir, 'mistyped')
    await assert.rejects(findLetters({ ...withoutUrl, dataDir: none }), { code: 'INPUT_MISSING' })
    assert.equal(existsSync(none), false)
  })

  it('L2, L3: are sent again, what was cut is not, and what is malformed still is said to be', async (context) => {
    const databaseUrl = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const rig = await RunningRig.start(context, { databaseUrl, dataDir })
    const nowMs = Date.now()
    const line = (
      stream: StoredLetter['stream'],
      position: number,
      text: string,
      byteLength?: number,
    ): StoredLetter => {
      const bytes = Buffer.from(text)
      const place = { stream, partition: `http/${stream}`, position, arrivalMs: nowMs }
      return { ...place, reason: 'missing_field', field: undefined, bytes, byteLength: byteLength ?? bytes.length }
    }
    const letters = [
      line('clicks', 1, clickLine('k1', 'i1', nowMs)),
      line('impressions', 3, 'broken'),
      line('impressions', 2, impressionLine('cut', nowMs), 9_999),
      line('impressions', 1, impressionLine('i1', nowMs)),
    ]
    const { url } = rig.service.server
    const replayed = await replayLetters(letters, { url, key: undefined, signal: NEVER })
    assert.deepEqual([replayed.sent, replayed.accepted], [3, 2])
    assert.deepEqual(
      replayed.rejected.map(({ letter, reason }) => [letter.position, reason]),
      [[3, 'not_json']],
    )
    assert.deepEqual(replayed.cut, [letters[2]])
    await eventually('they are read', async () => (await rig.status()).ledger.clicks.read === 1)
    const { ledger } = await rig.status()
    assert.deepEqual([ledger.impressions.classes.counted, ledger.impressions.read], [1, 2])
    const again = await replayLetters(letters, { url, key: undefined, signal: NEVER })
    assert.equal(again.accepted, 2, 'ids make it harmless')
    await eventually('they are read', async () => (await rig.status()).ledger.clicks.read === 2)
    assert.equal((await rig.status()).ledger.impressions.classes.counted, 1)
    await rig.stop()
    await assert.rejects(replayLetters(letters, { url, key: undefined, signal: NEVER }), {
      code: 'INSTANCE_UNAVAILABLE',
    })
  })

  it('L4: a record over several lines is sent as one event, and no other is taken for it', async (context) => {
    const databaseUrl = await postgres.createDatabase()
    const rig = await RunningRig.start(context, { databaseUrl, dataDir: newFolder(context) })
    const nowMs = Date.now()
    const letter = (position: number, text: string): StoredLetter => {
      const bytes = Buffer.from(text)
      const place = { stream: 'impressions', partition: 'ads/impressions-0', position, arrivalMs: nowMs } as const
      return { ...place, reason: 'missing_field', field: undefined, bytes, byteLength: bytes.length }
    }
    const pretty = JSON.stringify(JSON.parse(impressionLine('i2', nowMs)), null, 2)
    const letters = [
      letter(3, impressionLine('i3', nowMs)),
      letter(2, '{\n"broken":\n'),
      letter(1, pretty),
      letter(0, 'broken'),
    ]
    const url = rig.service.server.url
    const { sent, accepted, rejected } = await replayLetters(letters, { url, key: undefined, signal: NEVER })
    assert.deepEqual([sent, accepted], [4, 2])
    assert.deepEqual(
      rejected.map(({ letter: { position } }) => position),
      [0, 2],
    )
    await eventually('they are read', async () => (await rig.status()).ledger.impressions.classes.counted === 2)
    await rig.stop()
  })

  it('the command lists, shows and sends again, and lets nothing steer the terminal', async (context) => {
    const databaseUrl = await postgres.createDatabase()
    const dataDir = newFolder(context)
    const rig = await RunningRig.start(context, { databaseUrl, dataDir })
    assert.equal(findInstance(dataDir)?.url, rig.service.server.url)
    await rig.send('clicks', '{"click_id":"\u001b[2J\u202e"}', 'z'.repeat(5_000))
    const where = ['--data-dir', dataDir, '--database-url', databaseUrl]
    await eventually('they are in an epoch', async () => {
      return (await findLetters({ ...ALL, dataDir, databaseUrl, filesOnly: false })).length === 2
    })
    const list = await tidemark('dead-letters', 'list', ...where, '--stream', 'clicks')
    assert.equal(list.code, 0, list.stderr)
    assert.match(list.stdout, /http\/clicks 1 {2}not_json/)
    const shown = await tidemark('dead-letters', 'show', 'http/clicks', '2', ...where)
    assert.match(shown.stdout, /5,000 bytes, of which 4,096 were kept/)
    const raw = await tidemark('dead-letters', 'show', 'http/clicks', '1', ...where)
    assert.match(raw.stdout, /\\u\{1b\}\[2J\\u\{202e\}/)
    assert.match(raw.stderr, /next: .* --data-dir /, 'a command to paste looks into the same folder')
    for (const { stdout } of [list, shown, raw]) assert.doesNotMatch(stdout, /[\u001b\u202e]/)
    const sent = await tidemark('dead-letters', 'replay', ...where, '--json')
    assert.deepEqual(JSON.parse(sent.stdout), {
      sent: 1,
      accepted: 0,
      rejected: [{ partition: 'http/clicks', position: 1, reason: 'not_json' }],
      cut: [{ partition: 'http/clicks', position: 2 }],
    })
    const none = await tidemark('dead-letters', 'show', 'http/clicks', '77', ...where)
    assert.equal(none.code, 66)
    await rig.stop()
    assert.equal(findInstance(dataDir), undefined)
  })
})
