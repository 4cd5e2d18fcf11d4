/**
 * The process of the supervisor: `node supervise-main.ts SETTINGS.json`. Started by `stack up`, ended by SIGTERM.
 */
import { readFileSync } from 'node:fs'
import type { StackSettings } from './settings.ts'
import { supervise } from './supervisor.ts'

const controller = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => controller.abort())
process.on('SIGHUP', () => undefined)

await supervise(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as StackSettings, controller.signal)
