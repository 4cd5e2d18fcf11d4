/**
 * A process that writes epochs is stopped (SIGSTOP), overtaken by another on a copy of its data folder, and continued:
 * it changes no row any more and ends as fenced. The control is the same process stopped and continued without an
 * overtaker.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { eventually } from '../support/eventually.ts'
import { leftBy, liveEpoch, storeOn } from '../support/live-epochs.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'

const PROGRAM = join(import.meta.dirname, '..', 'support', 'write-epochs.ts')

interface WritingProcess {
  readonly child: ChildProcess
  /** The lines it printed. */
  readonly lines: () => readonly string[]
}

let postgres: TestPostgres

function startWriting(url: string): WritingProcess {
  const child = spawn(process.execPath, [PROGRAM, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString()))
  return { child, lines: () => printed.split('\n').slice(0, -1) }
}

/** Stops it at some moment of its work; true for the system once it stands still. */
async function stop({ child, lines }: WritingProcess): Promise<void> {
  await eventually('it writes', () => lines().length >= 5)
  child.kill('SIGSTOP')
  await eventually('it is stopped', () => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')))
}

describe('a writer that was overtaken', { skip: process.platform !== 'linux' }, () => {
  before(async () => {
    postgres = await startTestPostgres()
  })
  after(async () => postgres.stop())

  it('goes on where it was only stopped for a while', async () => {
    const writing = startWriting(await postgres.createDatabase())
    await stop(writing)
    const written = writing.lines().length
    writing.child.kill('SIGCONT')
    await eventually('it goes on', () => writing.lines().length > written + 5)
    writing.child.kill('SIGKILL')
    await once(writing.child, 'close')
  })

  for (let round = 1; round <= 3; round++)
    it(`E3 of epoch-store: is fenced when it is continued, and changes no row (round ${round})`, async () => {
      const url = await postgres.createDatabase()
      const writing = startWriting(url)
      await stop(writing)
      const overtaker = storeOn(url)
      const { epoch } = await overtaker.claim()
      const told = Number(writing.lines().at(-1))
      assert.ok(epoch >= told, `epoch ${told} was told, ${epoch} is there`)
      await overtaker.write(liveEpoch(epoch + 1, ['theirs']))
      const left = await leftBy(url)
      writing.child.kill('SIGCONT')
      const [code] = (await once(writing.child, 'close')) as [number]
      assert.equal(code, EXIT.fenced)
      assert.equal(writing.lines().at(-1), 'FENCED')
      assert.deepEqual(await leftBy(url), left)
      await overtaker.write(liveEpoch(epoch + 2, ['theirs']))
      await overtaker.close()
    })
})
