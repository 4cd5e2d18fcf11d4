/**
 * Sources that fill the journal beside HTTP, by T1 and T2 of `source-tasks.ts`, with real files and a journal that is
 * held.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { adPipeline } from '../../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../../src/pipeline/freeze.ts'
import { SourceTasks, type SourceTasksOptions } from '../../../src/service/source-tasks.ts'
import { afterwards } from '../../support/afterwards.ts'
import { eventually } from '../../support/eventually.ts'

it('T1, T2: one that fails ends the run, and stop waits for the others all the same', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-tasks-'))
  afterwards(context, () => rmSync(folder, { recursive: true, force: true }))
  const path = (stream: string): string => join(folder, `${stream}.ndjson`)
  const source = (stream: 'impressions' | 'clicks'): object => ({ kind: 'files', stream, path: path(stream) })
  const plan = freezePlan({
    ...adPipeline,
    sources: { broken: source('impressions'), held: source('clicks') } as NonNullable<typeof adPipeline.sources>,
  })
  for (const stream of ['impressions', 'clicks']) writeFileSync(path(stream), '{}\n')
  const held = Promise.withResolvers<void>()
  let heldAppends = 0
  const append = async (partition: number): Promise<void> => {
    if (partition === 0) throw new Error('the disk failed')
    heldAppends++
    await held.promise
  }
  const partitions = [{ name: 'broken/impressions' }, { name: 'held/clicks' }]
  const recovered = { partitions, source: { append }, journal: { lastSourcePosition: () => undefined } }
  const fatal: unknown[] = []
  const tasks = new SourceTasks({
    plan,
    recovered: recovered as unknown as SourceTasksOptions['recovered'],
    log: () => undefined,
    onFatal: (error) => fatal.push(error),
  })
  tasks.start()
  await eventually('one failed, the other appends', () => fatal.length === 1 && heldAppends === 1)
  let isStopped = false
  const stopped = tasks.stop().then(() => (isStopped = true))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(isStopped, false, 'an append is under way')
  held.resolve()
  await stopped
  assert.match(String(fatal[0]), /the disk failed/)
})
