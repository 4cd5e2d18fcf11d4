/**
 * Logs hold no ids, keys, passwords or records: whatever was sent, whatever failed.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { createKey } from '../../src/server/keys/key-store.ts'
import { clickLine, impressionLine } from '../support/event-lines.ts'
import { eventually } from '../support/eventually.ts'
import { newFolder, RunningRig } from '../support/live-rig.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

let postgres: TestPostgres
before(async () => (postgres = await startTestPostgres()))
after(() => postgres.stop())

const SECRET = 'zebra-4711'

it('a run at its most talkative names nobody', async (context) => {
  const databaseUrl = await postgres.createDatabase()
  const dataDir = newFolder(context)
  const { text: key } = createKey(dataDir, 'app', ['impressions', 'clicks'], Date.now())
  const lines: string[] = []
  const onStep = (step: string): void => void lines.push(step)
  const log = (_level: string, line: string): void => void lines.push(line)
  const rig = await RunningRig.start(context, { databaseUrl, dataDir, log, onStep })
  const { url } = rig.service.server
  const send = async (path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
    (
      await fetch(`${url}${path}`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-ndjson', ...headers },
      })
    ).status
  const nowMs = Date.now()
  const impressions = [impressionLine(SECRET, nowMs), impressionLine(SECRET, 1), `{"${SECRET}`, `"${SECRET}"`].join(
    '\n',
  )
  assert.equal(await send('/v1/impressions', impressions, { 'x-api-key': key }), 200)
  assert.equal(await send('/v1/clicks', clickLine(SECRET, SECRET, nowMs), { 'x-api-key': key }), 200)
  assert.equal(await send('/v1/clicks', clickLine(SECRET, SECRET, nowMs), { 'x-api-key': SECRET }), 401)
  assert.equal((await fetch(`${url}/v1/click?to=https://${SECRET}.example&key=${key}`)).status, 403)
  await fetch(`${url}/${SECRET}?${SECRET}`, { headers: { cookie: SECRET, authorization: `Bearer ${SECRET}` } })
  await fetch(`${url}/login`, { method: 'POST', body: new URLSearchParams({ name: SECRET, password: SECRET }) })
  await eventually('it is read', async () => (await rig.status()).ledger.clicks.read === 1)
  await rig.stop()
  const password = new URL(databaseUrl).password
  assert.ok(lines.length > 3, 'control: something was said')
  for (const line of lines) {
    assert.ok(!line.includes(SECRET), line)
    assert.ok(!line.includes(key), line)
    assert.ok(password === '' || !line.includes(password), line)
  }
})
