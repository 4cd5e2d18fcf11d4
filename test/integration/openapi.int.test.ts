/**
 * `/openapi.json` is valid, names every route there is, and tells the truth about answers.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv } from 'ajv'
import { impressionLine } from '../support/event-lines.ts'
import { startIngest, type IngestRig } from '../support/ingest-rig.ts'

interface Operation {
  readonly operationId?: string
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}
interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const EVENT = impressionLine('i1', 1_767_225_600_000)
let rig: IngestRig
let document: Document
beforeEach(async () => {
  rig = await startIngest({ limits: { maxEventsPerRequest: 2 } })
  document = (await (await fetch(`${rig.server.url}/openapi.json`)).json()) as Document
})
afterEach(() => rig.close())

describe('/openapi.json', () => {
  it('is a valid document', async () => {
    const valid = await new Validator().validate({ ...document })
    assert.deepEqual(valid.errors, undefined)
    assert.equal(valid.valid, true)
    const broken = await new Validator().validate({ ...document, paths: { '/x': 7 } })
    assert.equal(broken.valid, false, 'control: a broken one is found')
  })

  it('names every route, and only routes there are', async () => {
    assert.deepEqual(Object.keys(document.paths).toSorted(), [
      '/api/live',
      '/api/page',
      '/api/v1/click-lag',
      '/api/v1/dead-letters',
      '/api/v1/drill',
      '/api/v1/freshness',
      '/api/v1/interruptions',
      '/api/v1/ledger',
      '/api/v1/live',
      '/api/v1/live/page',
      '/api/v1/plan',
      '/api/v1/samples',
      '/api/v1/view',
      '/healthz',
      '/openapi.json',
      '/readyz',
      '/v1/click',
      '/v1/clicks',
      '/v1/impressions',
      '/v1/pixel.gif',
    ])
    for (const [path, operations] of Object.entries(document.paths)) {
      const [method = ''] = Object.keys(operations)
      const response = await fetch(`${rig.server.url}${path}`, { method: method.toUpperCase() })
      await response.body?.cancel()
      assert.ok(![404, 405].includes(response.status), `${method} ${path} ${response.status}`)
    }
  })

  it('describes the answers that come', async () => {
    const ajv = new Ajv({ strict: false })
    const schemaOf = (path: string, status: number): object =>
      document.paths[path]?.['post']?.responses[status]?.content?.['application/json']?.schema ?? { not: {} }
    for (const [body, headers, status] of [
      [`[${EVENT},{"campaign_id":1}]`, {}, 200],
      [`${EVENT}\n`.repeat(3), {}, 413],
      [EVENT, { 'content-type': 'text/html' }, 415],
      ['[', {}, 422],
      [EVENT, { origin: 'https://evil.example' }, 403],
      ['x', { 'content-encoding': 'gzip' }, 400],
    ] as const) {
      const answer = await rig.post('/v1/impressions', body, headers)
      assert.equal(answer.status, status)
      const isValid = ajv.compile(schemaOf('/v1/impressions', status))
      assert.ok(isValid(answer.body), `${status}: ${JSON.stringify(isValid.errors)}`)
      assert.ok(!isValid({ code: 'nonsense' }), 'control: another answer would not do')
    }
  })
})
