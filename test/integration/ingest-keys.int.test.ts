/**
 * Keys: made, listed and revoked by the command line while a server runs, which notices.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import { KeyRing } from '../../src/server/keys/key-ring.ts'
import { createKey, keysFolder, listKeys, revokeKey } from '../../src/server/keys/key-store.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { startIngest, type IngestRig } from '../support/ingest-rig.ts'
import { runProgram } from '../support/run-program.ts'

const TIDEMARK = join(import.meta.dirname, '..', '..', 'tidemark')
const EVENT = impressionLine('i1', 1_767_225_600_000)
const rigs: IngestRig[] = []
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()))
})

async function start(limits = {}): Promise<{ rig: IngestRig; pass: (ms: number) => void }> {
  let nowMs = 0
  const rig = await startIngest((dir) => ({
    keys: new KeyRing(dir, () => nowMs),
    monotonicMs: () => nowMs,
    limits,
  }))
  rigs.push(rig)
  return { rig, pass: (ms) => (nowMs += ms) }
}

const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` })

describe('a server with keys (R1, and G1 and G3 of gate)', () => {
  it('K3 of key-store: needs none on loopback until one is made, and from then on for good', async () => {
    const { rig, pass } = await start()
    const statusOf = async (headers = {}): Promise<number> => (await rig.post('/v1/impressions', EVENT, headers)).status
    assert.equal(await statusOf(), 200)
    const { text, key } = createKey(rig.dir, 'one', ['impressions'], 0)
    pass(1_000)
    assert.equal(await statusOf(), 401)
    assert.equal(await statusOf(bearer(text)), 200)
    assert.equal(await statusOf({ 'x-api-key': text }), 200)
    for (const wrong of [
      `${text}x`,
      text.slice(0, -1),
      `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`,
      '',
      'x',
      'tk_00000000_x',
    ])
      assert.equal(await statusOf(bearer(wrong)), 401, wrong)
    assert.equal(await statusOf({ authorization: `Basic ${text}` }), 401)
    assert.equal(await statusOf({ 'x-api-key': `${text}, ${text}` }), 401)
    revokeKey(rig.dir, key, 1)
    pass(1_000)
    assert.equal(await statusOf(bearer(text)), 401)
    assert.equal(await statusOf(), 401, 'revoking the last key opens nothing')
  })

  it('refuses what it cannot read instead of opening up (R3)', async () => {
    const { rig, pass } = await start()
    const { text, key } = createKey(rig.dir, 'one', ['impressions'], 0)
    writeFileSync(join(keysFolder(rig.dir), `${key.id}.json`), '{')
    pass(1_000)
    assert.equal((await rig.post('/v1/impressions', EVENT, bearer(text))).status, 500)
    assert.equal((await rig.post('/v1/impressions', EVENT)).status, 500)
    assert.deepEqual(rig.intake.appended, [])
    assert.throws(
      () => new KeyRing(rig.dir),
      (error) => error instanceof TidemarkError && error.code === 'KEYS_UNREADABLE' && error.message.includes(key.id),
    )
  })

  it('answers a flood of bad keys with 429, and goes on with good ones', async () => {
    const { rig, pass } = await start({ maxBadKeysPerSecondPerAddress: 2, burstSeconds: 1 })
    const { text } = createKey(rig.dir, 'one', ['impressions'], 0)
    pass(1_000)
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push((await rig.post('/v1/impressions', EVENT, bearer(`bad${i}`))).status)
    assert.deepEqual(statuses, [401, 401, 429, 429, 429])
    assert.equal((await rig.post('/v1/impressions', EVENT, bearer(text))).status, 200)
  })

  it('limits each key by itself', async () => {
    const { rig, pass } = await start({ maxEventsPerSecondPerKey: 2, burstSeconds: 1 })
    const [one, two] = ['one', 'two'].map((name) => createKey(rig.dir, name, ['impressions'], 0).text) as [
      string,
      string,
    ]
    pass(1_000)
    const statusOf = async (text: string, body: string): Promise<number> =>
      (await rig.post('/v1/impressions', body, bearer(text))).status
    assert.equal(await statusOf(one, `[${EVENT},${EVENT},${EVENT},${EVENT}]`), 200, 'a batch goes through whole')
    const waiting = await rig.post('/v1/impressions', EVENT, bearer(one))
    assert.deepEqual([waiting.status, waiting.headers.get('retry-after')], [429, '2'])
    assert.equal(await statusOf(two, EVENT), 200)
    pass(2_000)
    assert.equal(await statusOf(one, EVENT), 200)
  })
})

describe('beyond loopback', () => {
  it('it does not listen without a key, and says how to make one', async () => {
    const refused = startIngest((dir) => ({ keys: new KeyRing(dir) }), '0.0.0.0')
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof TidemarkError)
      assert.equal(error.code, 'KEY_REQUIRED')
      assert.match(error.fix ?? '', /tidemark keys create --name NAME --data-dir \S/)
      return true
    })
  })

  it('it lets in whoever has one, and nobody else, from this machine either', async () => {
    let text = ''
    const rig = await startIngest((dir) => {
      ;({ text } = createKey(dir, 'one', ['clicks'], 0))
      return { keys: new KeyRing(dir) }
    }, '0.0.0.0')
    rigs.push(rig)
    const click = clickLine('k1', 'i1', 1_767_225_600_000)
    assert.equal((await rig.post('/v1/clicks', click)).status, 401)
    assert.equal((await rig.post('/v1/clicks', click, bearer(text))).status, 200)
    const other = await rig.post('/v1/impressions', EVENT, bearer(text))
    assert.deepEqual([other.status, (other.body as { code: string }).code], [403, 'stream_not_allowed'])
  })
})

describe('tidemark keys', () => {
  it('creates, lists and revokes; only the hash is kept, for the owner only (K1, K2)', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tidemark-keys-'))
    const dataDir = join(dir, 'data')
    const keys = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
      runProgram(TIDEMARK, ['keys', ...args, '--data-dir', dataDir])
    const made = await keys('create', '--name', 'my app', '--streams', 'clicks', '--json')
    assert.equal(made.code, 0, made.stderr)
    const { key, id, streams } = JSON.parse(made.stdout) as { key: string; id: string; streams: string[] }
    assert.match(key, /^tk_[0-9a-f]{8}_[\w-]{43}$/)
    assert.deepEqual(streams, ['clicks'])
    assert.deepEqual(new KeyRing(dataDir).check(key)?.streams, ['clicks'])
    const [file = '', ...others] = readdirSync(keysFolder(dataDir))
    assert.deepEqual(others, [])
    assert.equal(statSync(join(keysFolder(dataDir), file)).mode & 0o777, 0o600)
    assert.ok(!readFileSync(join(keysFolder(dataDir), file), 'utf8').includes(key.slice(12)))
    assert.match((await keys('list')).stdout, new RegExp(`^${id}  my app  clicks`))
    assert.equal((await keys('revoke', 'my app')).code, 0)
    assert.equal(new KeyRing(dataDir).check(key), undefined)
    assert.ok(listKeys(dataDir)[0]?.revokedAt)
    const unknown = await keys('revoke', 'nobody')
    assert.deepEqual([unknown.code, /keys list/.test(unknown.stderr)], [2, true])
    assert.equal((await keys('create', '--streams', 'views')).code, 2)
    rmSync(dir, { recursive: true })
  })
})
