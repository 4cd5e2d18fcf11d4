/**
 * Killed without warning, again and again, in the middle of appending to a journal on a real disk: whatever was
 * acknowledged is there, once and in order.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { openJournal, readAll } from '../support/journal-rig.ts'
import { runProgram } from '../support/run-program.ts'
import { replay, seed } from '../support/seed.ts'
import { seededRandom } from '../support/simulated-disk.ts'
import { afterwards } from '../support/afterwards.ts'

const CYCLES = 12
const PROGRAM = join(import.meta.dirname, '..', 'support', 'journal-program.ts')

/** Lets the program append until it has told of so many, and kills it at once; returns what it told. */
async function appendAndKill(dir: string, first: number, acknowledgements: number): Promise<readonly string[]> {
  const ended = await runProgram(process.execPath, [PROGRAM, dir, String(first)], {
    started(child) {
      let told = 0
      child.stdout?.on('data', (text: string) => {
        told += text.split('\n').length - 1
        if (told >= acknowledgements) child.kill('SIGKILL')
      })
    },
  })
  assert.equal(ended.signal, 'SIGKILL', ended.stderr)
  return ended.stdout.split('\n').slice(0, -1)
}

describe('killed while appending', () => {
  it(`J1, J2: ${CYCLES} times (seed ${seed})`, async (t) => {
    const parent = mkdtempSync(join(tmpdir(), 'tidemark-killed-'))
    afterwards(t, () => rmSync(parent, { recursive: true, force: true }))
    const dir = join(parent, 'journal')
    const random = seededRandom(seed)
    const acknowledged: string[] = []
    let first = 0
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      acknowledged.push(...(await appendAndKill(dir, first, 1 + Math.floor(random() * 400))))
      const journal = await openJournal(nodeDisk, { dir })
      const held = journal.partitions.flatMap((name) => {
        const numbers = readAll(journal, name).map(numberOf)
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
          `cycle ${cycle}: out of order; ${replay}`,
        )
        return numbers.map((number) => `${name} ${number}`)
      })
      await journal.close()
      const once = new Set(held)
      assert.equal(once.size, held.length, `cycle ${cycle}: an event is there twice; ${replay}`)
      const lost = acknowledged.filter((event) => !once.has(event))
      assert.deepEqual(lost, [], `cycle ${cycle}: acknowledged and lost; ${replay}`)
      first = 1 + Math.max(...held.map((event) => Number(event.split(' ')[1])))
    }
    assert.ok(acknowledged.length > 20 * CYCLES, `control: ${acknowledged.length} were acknowledged`)
  })
})

function numberOf(text: string): number {
  return (JSON.parse(text) as { readonly number: number }).number
}
