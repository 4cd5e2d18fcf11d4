import assert from 'node:assert/strict'
import { it } from 'node:test'
import { lookedInWords, noneInWords } from '../../../dashboard/src/model/samples-in-words.ts'
import type { SampleAnswer } from '../../../src/query/sample-answer.ts'

const NOON_MS = Date.parse('2026-01-01T12:00:00Z')

const answer: SampleAnswer = {
  class: 'orphan',
  epoch: 7,
  watermarkMs: NOON_MS,
  looked: { fromMs: null, bytes: 10, ofBytes: 10 },
  toldFromMs: null,
  topics: [],
  elsewhere: [],
  samples: [],
}
const elsewhere = ['ads/impressions-0']

it('no samples: it is not said that none came where nothing could be told', () => {
  const without = 'None can be told for certain without those partitions.'
  for (const sampled of ['duplicate', 'repeat', 'out_of_window', 'orphan', 'pending'] as const) {
    assert.equal(noneInWords({ ...answer, class: sampled, elsewhere }, 'UTC'), without)
    assert.equal(noneInWords({ ...answer, class: sampled, elsewhere, toldFromMs: NOON_MS }, 'UTC'), without)
    assert.equal(noneInWords({ ...answer, class: sampled }, 'UTC'), 'None came in what was looked at.', 'control')
  }
  assert.match(noneInWords({ ...answer, toldFromMs: NOON_MS }, 'UTC'), /^None can be told for certain in what was/)
})

it('no samples: what depends on its own time alone is told whatever is elsewhere', () => {
  for (const sampled of ['late', 'future'] as const)
    assert.equal(noneInWords({ ...answer, class: sampled, elsewhere }, 'UTC'), 'None came in what was looked at.')
})

it('what was looked at is not called certain where partitions are missing', () => {
  const part = { ...answer, toldFromMs: NOON_MS - 3_600_000 }
  assert.match(lookedInWords(part, 'UTC'), /; certain for events from .* on\.$/)
  assert.doesNotMatch(lookedInWords({ ...part, elsewhere }, 'UTC'), /certain/)
})
