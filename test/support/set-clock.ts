/**
 * Loaded before a program (`node --import`): its wall clock is set by as many ms as TIDEMARK_TEST_CLOCK_FILE holds, as
 * soon as they are written there. Time that passes, passes as ever.
 */
import { readFileSync } from 'node:fs'

const LOOK_EVERY_MS = 10
const realNow = Date.now.bind(Date)
let lookedMs = -Infinity
let setMs = 0

function look(): number {
  const nowMs = performance.now()
  if (nowMs - lookedMs < LOOK_EVERY_MS) return setMs
  lookedMs = nowMs
  setMs = Number(readFileSync(process.env['TIDEMARK_TEST_CLOCK_FILE'] ?? '', 'utf8'))
  return setMs
}

Date.now = () => realNow() + look()
