/**
 * Events that keep coming to a service in this process: each campaign and device in turn, now and then a click.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { clickLine, impressionLine } from './event-lines.ts'
import type { RunningRig } from './live-rig.ts'

const DEVICES = ['mobile', 'desktop', 'tablet', 'tv']
const EVERY_MS = 100
const IMPRESSIONS = 100

export class LiveTraffic {
  readonly #rig: RunningRig
  readonly #campaigns: number
  #running: Promise<void> | undefined
  #isStopped = false
  /** Impressions so far. */
  sent = 0

  constructor(rig: RunningRig, campaigns: number) {
    this.#rig = rig
    this.#campaigns = campaigns
  }

  start(): void {
    this.#running = this.#run()
    // Whoever stops it is told.
    this.#running.catch(() => undefined)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const nowMs = Date.now()
      const ids = Array.from({ length: IMPRESSIONS }, (_, index) => this.sent + index)
      const impressions = ids.map((id) =>
        impressionLine(`i${id}`, nowMs, {
          campaign_id: `campaign ${id % this.#campaigns}`,
          device_type: DEVICES[Math.floor(id / this.#campaigns) % DEVICES.length] ?? '',
        }),
      )
      await this.#rig.send('impressions', ...impressions)
      const clicks = ids.filter((id) => id % 7 === 0).map((id) => clickLine(`k${id}`, `i${id}`, nowMs + 1))
      await this.#rig.send('clicks', ...clicks)
      this.sent += IMPRESSIONS
      await delay(EVERY_MS)
    }
  }
}
