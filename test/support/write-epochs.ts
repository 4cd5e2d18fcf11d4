/**
 * A process that claims the tables at a URL and writes epoch after epoch until it fails. Prints the number of each
 * epoch it wrote, and at the end the code of its error; its exit code is that of the error.
 *
 * Usage: node test/support/write-epochs.ts DATABASE_URL
 */
import { setTimeout as delay } from 'node:timers/promises'
import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { TidemarkError } from '../../src/errors.ts'
import { liveEpoch, storeOn } from './live-epochs.ts'

const store = storeOn(process.argv[2] ?? '')
try {
  for (let { epoch } = await store.claim(); ; epoch++) await writeUntilDone(epoch + 1)
} catch (error) {
  console.log(error instanceof TidemarkError ? error.code : String(error))
  process.exitCode = exitCodeOf(error)
}
await store.close()

async function writeUntilDone(number: number): Promise<void> {
  for (;;) {
    try {
      await store.write(liveEpoch(number))
      return console.log(number)
    } catch (error) {
      if (!(error instanceof TidemarkError && error.retryable)) throw error
      await delay(20)
    }
  }
}
