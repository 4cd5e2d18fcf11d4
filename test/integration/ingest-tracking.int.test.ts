/**
 * Pixels and click links over real connections.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { KeyRing } from '../../src/server/keys/key-ring.ts'
import { createKey } from '../../src/server/keys/key-store.ts'
import { RedirectTargets } from '../../src/server/ingest/redirect-targets.ts'
import { startIngest, type IngestRig } from '../support/ingest-rig.ts'
import { get, type Answer } from '../support/raw-http.ts'

const NOW_MS = 1_767_225_600_000
let rig: IngestRig
afterEach(() => rig.close())

async function start(): Promise<(path: string, headers?: Record<string, string>) => Promise<Answer>> {
  const targets = new RedirectTargets({ hosts: ['shop.example'] })
  rig = await startIngest((dir) => ({ targets, nowMs: () => NOW_MS, keys: new KeyRing(dir) }))
  return (path, headers = {}) => get(rig.server.port, path, headers)
}

const records = (stream: 'impressions' | 'clicks'): unknown[] =>
  rig.intake.records(stream).map((line) => JSON.parse(line) as unknown)

describe('the pixel', () => {
  it('is an impression, of the moment unless it says when, and an image that is never kept', async () => {
    const ask = await start()
    const { status, headers, body } = await ask('/v1/pixel.gif?impression_id=i1&campaign_id=a%26b&cost=0.25&cb=17')
    assert.equal(status, 200)
    assert.equal(headers['content-type'], 'image/gif')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['cross-origin-resource-policy'], 'cross-origin')
    assert.match(body, /^GIF89a/)
    await ask('/v1/pixel.gif?impression_id=i2&impression_id=i3&campaign_id=c&event_timestamp=1767225600123')
    assert.deepEqual(records('impressions'), [
      { impression_id: 'i1', campaign_id: 'a&b', event_timestamp: NOW_MS, cost: 0.25 },
      { impression_id: 'i3', campaign_id: 'c', event_timestamp: '1767225600123' },
    ])
  })

  it('P3 of tracker: comes all the same where its event is malformed, and says so', async () => {
    const ask = await start()
    const { status, headers } = await ask('/v1/pixel.gif?campaign_id=c&cost=free')
    assert.deepEqual([status, headers['tidemark-rejected']], [200, 'missing_field impression_id'])
    assert.equal(rig.intake.appended[0]?.recordCount, 1)
  })

  it('G2 of gate: takes GET, waits for an open intake, and takes no foreign page on a server without keys', async () => {
    const ask = await start()
    const posted = await rig.post('/v1/pixel.gif', '')
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET'])
    assert.equal((await ask('/v1/pixel.gif?impression_id=i', { 'sec-fetch-site': 'cross-site' })).status, 403)
    rig.intake.isOpen = false
    assert.equal((await ask('/v1/pixel.gif?impression_id=i')).status, 503)
    assert.deepEqual(rig.intake.appended, [])
  })

  it('takes its key from its address, and foreign pages with it', async () => {
    const ask = await start()
    const { text } = createKey(rig.dir, 'pixel', ['impressions'], 0)
    const path = '/v1/pixel.gif?impression_id=i1&campaign_id=c'
    const foreign = { 'sec-fetch-site': 'cross-site' }
    assert.equal((await ask(`${path}&key=${text}`, foreign)).status, 200)
    assert.equal((await ask(`${path}&key=${text}x`, foreign)).status, 401)
    assert.deepEqual(records('impressions').length, 1)
  })
})

describe('the click link', () => {
  it('E2 of tracked-event: is a click and goes on to a target that is allowed; a missing id is made up', async () => {
    const ask = await start()
    const { status, headers } = await ask('/v1/click?impression_id=i1&to=https%3A%2F%2Fshop.example%2Fa%3Fb%3Dc')
    assert.deepEqual([status, headers.location], [302, 'https://shop.example/a?b=c'])
    assert.equal(headers['cache-control'], 'no-store')
    await ask('/v1/click?impression_id=i1&click_id=k1&to=https://shop.example/')
    assert.equal((await ask('/v1/click?impression_id=i1')).status, 204)
    const [first, second, third] = records('clicks') as Record<string, string>[]
    assert.match(first?.['click_id'] ?? '', /^[0-9a-f-]{36}$/)
    assert.notEqual(first?.['click_id'], third?.['click_id'])
    assert.deepEqual(second, { click_id: 'k1', impression_id: 'i1', event_timestamp: NOW_MS })
  })

  it('never goes anywhere else, and such a click is not taken (P2 of tracker)', async () => {
    const ask = await start()
    for (const target of [
      '//evil.example',
      '/\\evil.example',
      'https://shop.example@evil.example',
      'javascript:alert(1)',
      '',
    ]) {
      const { status, headers } = await ask(`/v1/click?impression_id=i1&to=${encodeURIComponent(target)}`)
      assert.deepEqual([status, headers.location], [403, undefined], target)
    }
    assert.deepEqual(rig.intake.appended, [])
  })

  it('goes on once the click is durable, not before (P1 of tracker)', async () => {
    const ask = await start()
    rig.intake.isHeld = true
    let isAnswered = false
    const clicking = ask('/v1/click?impression_id=i1&to=https://shop.example/').finally(() => (isAnswered = true))
    while (rig.intake.waiting === 0) await ask('/healthz')
    await ask('/healthz')
    assert.equal(isAnswered, false)
    rig.intake.sync()
    assert.equal((await clicking).status, 302)
  })
})
