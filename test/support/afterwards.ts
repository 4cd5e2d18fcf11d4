import type { TestContext } from 'node:test'

type Work = () => unknown

const works = new WeakMap<Pick<TestContext, 'after'>, Work[]>()

/**
 * Does something when the test is over, last come first: what was started in a folder is stopped before the folder
 * goes. (`context.after` alone goes in the order of the calls.) Whatever fails, the rest is still done.
 */
export function afterwards(context: Pick<TestContext, 'after'>, work: Work): void {
  const known = works.get(context)
  if (known !== undefined) {
    known.push(work)
    return
  }
  const own = [work]
  works.set(context, own)
  context.after(() => doAll(own))
}

async function doAll(own: readonly Work[]): Promise<void> {
  const failures: unknown[] = []
  for (const work of own.toReversed()) {
    try {
      await work()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
