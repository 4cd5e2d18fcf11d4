import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { planArguments } from '../../../src/cli/plan-options.ts'
import { shellWord } from '../../../src/cli/shell-word.ts'
import { verifyLine } from '../../../src/cli/verify-line.ts'

test('the options of a plan can be pasted after the next command', () => {
  const words = planArguments({ definition: "my pipe's.ts", attributionWindow: 5_400_000, allowedLateness: 0 })
  const text = words.join(' ')
  assert.equal(text, String.raw`--definition 'my pipe'\''s.ts' --attribution-window 90m --allowed-lateness 0s`)
})

test('nothing given is nothing to paste', () => {
  assert.deepEqual(planArguments({}), [])
})

test('a shell reads a word as it was', () => {
  for (const word of ['', 'plain/path-1.ndjson', 'a b', "'", '$HOME', '`id`', '*', 'é', '\\', '"', '-n', '#x', '~']) {
    assert.equal(execFileSync('sh', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' }), word)
  }
})

test('the command that verifies a run has its folder and its plan, and no password', () => {
  const options = { dataDir: 'a b', databaseUrl: 'postgresql://me:s3cret@h/d', definition: 'ads.json' }
  const line = "./tidemark verify --data-dir 'a b' --database-url URL --definition ads.json"
  assert.equal(verifyLine(options), line)
  assert.equal(verifyLine({ dataDir: '.tidemark' }), './tidemark verify --data-dir .tidemark')
})
