/**
 * The text of a view in a URL stands for that view (L1–L3 of src/query/view-url.ts), and checking changes nothing that
 * has been checked (V2 of src/query/check-view.ts).
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TidemarkError } from '../../src/errors.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import type { Plan } from '../../src/pipeline/plan.ts'
import { planOf } from '../../src/pipeline/validate.ts'
import { checkView } from '../../src/query/check-view.ts'
import { joinEscaped, splitEscaped } from '../../src/query/search-text.ts'
import { formatViewUrl, parseViewUrl } from '../../src/query/view-url.ts'
import { DAY_MS } from '../../src/time/units.ts'
import { checkProperty } from '../support/check-property.ts'
import { viewRequests } from '../support/view-requests.ts'

const FILE = 'test/property/view-url.property.test.ts'

const example = (name: string): Plan =>
  planOf(JSON.parse(readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8')))

const PLANS: readonly (readonly [name: string, plan: Plan])[] = [
  ['ads', freezePlan(adPipeline)],
  ['minimal', example('minimal.json')],
]

const NOW_MS = Date.UTC(2026, 2, 29)
const TIMES = { fromMs: NOW_MS - 90 * DAY_MS, toMs: NOW_MS }

for (const [name, plan] of PLANS) {
  describe(`a view of ${name}`, () => {
    it('Y1 of view-query: reads back from its URL as itself, and from JSON', () => {
      const property = fc.property(viewRequests(plan, TIMES), (request) => {
        const query = checkView(plan, request)
        const text = formatViewUrl(plan, query)
        // Without a part a URL asks for a screen.
        if (query.totals || query.series.length > 0 || query.ranks.length > 0)
          assert.deepEqual(parseViewUrl(plan, text), query, text)
        assert.deepEqual(checkView(plan, JSON.parse(JSON.stringify(query))), query)
        assert.match(text, /^[\x21-\x7e]*$/)
        assert.equal(new URL(`http://localhost/?${text}`).search, text === '' ? '' : `?${text}`)
      })
      checkProperty(property, 400, FILE)
    })

    it('is written as a browser writes it, whatever the members are called', () => {
      const members = ["it's", '"', '<b>', '#', '%', '&', '+', '`', '|', '^', '{}', '(*)!', '\\', '你好']
      const [dimension = { name: '' }] = plan.dimensions
      const filters = [{ dimension: dimension.name, mode: 'include' as const, members }]
      const text = formatViewUrl(plan, checkView(plan, { range: { kind: 'last', lengthMs: DAY_MS }, filters }))
      assert.equal(new URL(`http://localhost/?${text}`).search, `?${text}`)
    })

    it('V1 of check-view: is refused with its place when any part of it is something else', () => {
      const property = fc.property(viewRequests(plan, TIMES), fc.jsonValue(), fc.nat(), (request, junk, pick) => {
        const keys = Object.keys(request)
        const key = keys[pick % keys.length] ?? 'range'
        try {
          checkView(plan, { ...request, [key]: junk })
        } catch (error) {
          assert.ok(error instanceof TidemarkError && error.code === 'VIEW_INVALID', String(error))
          assert.ok(error.allowed !== undefined && error.fix !== undefined && error.where !== undefined)
        }
      })
      checkProperty(property, 300, FILE)
    })
  })
}

it('lists of any texts read back', () => {
  const texts = fc.array(fc.string({ unit: fc.constantFrom(',', ';', '\\', 'a', '') }), { minLength: 1 })
  const property = fc.property(texts, fc.constantFrom(',' as const, ';' as const), (list, separator) => {
    assert.deepEqual(splitEscaped(joinEscaped(list, separator), separator), list)
  })
  checkProperty(property, 300, FILE)
})

it('control: a separator that is not escaped splits', () => {
  assert.notDeepEqual(splitEscaped(['a,b'].join(','), ','), ['a,b'])
})
