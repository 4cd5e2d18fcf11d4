/**
 * Ctrl-C: whoever asked to be told ends by itself, everybody else at once, and the exit code is always 130.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDatabase } from '../../src/database/open-database.ts'
import { makeDataDir } from '../support/postgres.ts'
import { runProgram, type Ended } from '../support/run-program.ts'
import { afterwards } from '../support/afterwards.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')
const INTERRUPT = JSON.stringify(join(import.meta.dirname, '..', '..', 'src', 'cli', 'interrupt.ts'))

/** Runs code that says `ready`, and sends `signals` one by one, each when the code has said one more line. */
async function interrupted(code: string, ...signals: NodeJS.Signals[]): Promise<Ended> {
  const script = `const { interruptSignal, listenForInterrupts } = await import(${INTERRUPT})\nlistenForInterrupts()\n${code}`
  return runProgram(process.execPath, ['--input-type=module', '-e', script], {
    started: (child) =>
      child.stdout?.on('data', () => {
        const signal = signals.shift()
        if (signal !== undefined) child.kill(signal)
      }),
  })
}

const STAY = 'setInterval(() => undefined, 1000)'

describe('an interrupt', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`I2: ${signal} ends at once what did not ask to be told`, async () => {
      const ended = await interrupted(`${STAY}; console.log('ready')`, signal)
      assert.deepEqual([ended.code, ended.signal], [130, null])
    })
  }

  it('I1: what asked ends by itself, with its work put in order', async () => {
    const ended = await interrupted(
      `const stay = ${STAY}
       interruptSignal().addEventListener('abort', (event) => {
         console.log('tidy', event.target.reason.code)
         clearInterval(stay)
       })
       console.log('ready')`,
      'SIGINT',
    )
    assert.equal(ended.stdout, 'ready\ntidy INTERRUPTED\n')
    assert.equal(ended.code, 130)
  })

  it('I3: a second one ends what does not come to an end', async () => {
    const ended = await interrupted(
      `${STAY}; interruptSignal().addEventListener('abort', () => console.log('busy')); console.log('ready')`,
      'SIGINT',
      'SIGINT',
    )
    assert.equal(ended.stdout, 'ready\nbusy\n')
    assert.equal(ended.code, 130)
  })

  it('control: without an interrupt the exit code is 0', async () => {
    assert.equal((await interrupted("interruptSignal(); console.log('ready')")).code, 0)
  })

  it('ends a demo that is still making its database, and leaves no server behind', async (context) => {
    const dataDir = makeDataDir()
    afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
    const ended = await runProgram(process.execPath, [MAIN, 'demo', '--data-dir', dataDir, '--port', '0'], {
      started: (child) => child.stderr?.once('data', () => child.kill('SIGINT')),
    })
    assert.equal(ended.code, 130, ended.stderr)
    assert.doesNotMatch(ended.stderr, /error|Page/)
    const notices: string[] = []
    await (await openDatabase({ dataDir, log: (line) => notices.push(line) })).stop()
    assert.deepEqual(
      notices.filter((line) => line.includes('left behind')),
      [],
    )
  })
})
