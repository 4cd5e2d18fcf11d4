/**
 * A process that appends numbered lines to a journal and tells each one that was acknowledged, until it is killed.
 *
 * Usage: node journal-program.ts DIR FIRST
 */
import { writeSync } from 'node:fs'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { Journal } from '../../src/checkpoint/journal/journal.ts'

const APPENDERS = 8
const [dir = '', firstText = '0'] = process.argv.slice(2)
const journal = await Journal.open({ dir, disk: nodeDisk, nowMs: Date.now, segmentBytes: 100_000 })
let next = Number(firstText)

async function appender(partition: string): Promise<void> {
  for (;;) {
    const number = next++
    const lines = Buffer.from(`{"number":${number},"fill":"${'x'.repeat(number % 3_000)}"}\n`)
    await journal.append(partition, lines, { recordCount: 1, arrivalMs: Date.now(), floorMs: -Infinity })
    writeSync(1, `${partition} ${number}\n`)
  }
}

await Promise.all(Array.from({ length: APPENDERS }, (_, i) => appender(`p${i % 2}`)))
