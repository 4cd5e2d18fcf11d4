/**
 * The SQL that is kept in golden files, planned by a real Flink: every statement is taken, and every table is filled.
 */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runStatements } from '../../src/flink/job/gateway.ts'
import { STACK_DEADLINE_MS, STACK_TEST, stackMissing, startTestStack, type TestStack } from '../support/stack.ts'

const FILES = globSync(join(import.meta.dirname, '..', 'golden', 'flink-*.sql')).toSorted()
/** Events are numbered within their id, then those far from the first, then those far from both. */
const OVER_EACH_STREAM = 3
const JOB = 'EXECUTE STATEMENT SET\n'

describe('golden SQL', { ...STACK_TEST, skip: stackMissing() }, () => {
  let stack: TestStack
  before(async () => {
    stack = await startTestStack(['flink'])
  }, STACK_TEST)
  after(async () => stack.stop())

  /** Flink's plan of a script's job, as text. */
  async function explain(script: string): Promise<string> {
    const results = await runStatements(
      stack.gatewayUrl,
      explainStatements(script),
      AbortSignal.timeout(STACK_DEADLINE_MS),
    )
    return String(results.at(-1)?.rows[0]?.[0])
  }

  it('is there', () => assert.ok(FILES.length >= 2))

  for (const file of FILES) {
    const script = readFileSync(file, 'utf8')

    it(
      `${basename(file)} is planned: each table, read of a topic, look into a record and numbering of ids once, no step on one task`,
      STACK_TEST,
      async () => {
        const plan = (await explain(script)).split('== Optimized Execution Plan ==')[1] ?? ''
        const tables = [...script.matchAll(/INSERT INTO `(\w+)`/g)].map(([, name]) => name)
        const sinks = [...plan.matchAll(/Sink\(table=\[\w+\.\w+\.(\w+)\]/g)].map(([, name]) => name)
        assert.ok(tables.length > 0)
        assert.deepEqual(sinks.toSorted(), tables.toSorted(), plan)
        const reads = [...plan.matchAll(/TableSourceScan\(table=\[\[\w+, \w+, (\w+)/g)].map(([, name]) => name)
        assert.deepEqual(reads.toSorted(), ['clicks_topic', 'impressions_topic'], plan)
        const steps = [/\bJSON_QUERY\(/g, /\bOverAggregate\(/g, /Join\(/g, /distribution=\[single\]/g]
        const counts = steps.map((step) => [...plan.matchAll(step)].length)
        assert.deepEqual(counts, [2, OVER_EACH_STREAM * 2, 1, 0], plan)
      },
    )
  }

  it('control: a column that is not there is refused', async () => {
    const [file = ''] = FILES
    const broken = readFileSync(file, 'utf8').replace('facts.`s_0`', 'facts.`s_9`')
    await assert.rejects(explain(broken), { code: 'FLINK_REFUSED' })
  })
})

/** The statements of a script, with its job explained in place of being started. */
function explainStatements(script: string): readonly string[] {
  const at = script.indexOf(JOB)
  const views = script.slice(0, at).split(/;\n/).slice(0, -1)
  return [...views, `EXPLAIN STATEMENT SET\n${script.slice(at + JOB.length)}`].map(
    (sql) => `${sql.replace(/;\s*$/, '')};`,
  )
}
