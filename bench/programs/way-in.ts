/**
 * The way in alone: HTTP, the verdict on each event, the journal with its syncs, the answer; no engine, no PostgreSQL. Says
 * where it listens as JSON, tells its processor time at `/usage`, and ends with SIGTERM. The load comes from one address,
 * so the rate of an address is not limited here.
 *
 * Usage: node way-in.ts DIR
 */
import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { nodeDisk } from '../../src/checkpoint/disk/node-disk.ts'
import { Journal } from '../../src/checkpoint/journal/journal.ts'
import { adPipeline } from '../../src/pipeline/ad-pipeline.ts'
import { freezePlan } from '../../src/pipeline/freeze.ts'
import { createHttpServer } from '../../src/server/http-server.ts'
import { HttpIngest } from '../../src/server/ingest/http-ingest.ts'

const HOST = '127.0.0.1'
const dir = resolve(process.argv[2] ?? '')
mkdirSync(dir, { recursive: true })
const journal = await Journal.open({ dir, disk: nodeDisk, nowMs: Date.now })
const ingest = new HttpIngest({
  plan: freezePlan(adPipeline),
  intake: {
    isOpen: true,
    append: async (stream, lines, recordCount) => {
      await journal.append(`http/${stream}`, lines, { recordCount, arrivalMs: Date.now(), floorMs: -Infinity })
    },
  },
  limits: { maxEventsPerSecondPerAddress: Infinity },
})
const server = createHttpServer(
  (_request, response) => {
    const { user, system } = process.cpuUsage()
    response.end(JSON.stringify({ cpuMs: (user + system) / 1_000 }))
  },
  ingest,
  ingest.limits,
  HOST,
)
server.listen(0, HOST, ingest.limits.maxConnections, () => {
  console.log(JSON.stringify({ url: `http://${HOST}:${(server.address() as AddressInfo).port}` }))
})
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  void ingest.drain(1_000).then(() => journal.close())
})
