/**
 * Where the chance of tests comes from: TIDEMARK_SEED if it is a number, a fresh seed if it is `random`, else always
 * the same one. So `npm test` says something of the commit, not of the dice; `TIDEMARK_SEED=random` looks further, and
 * whatever fails names the seed that replays it.
 */
const USUAL_SEED = 20_261_125

/** The seed of this process, and how its tests are to be run again. */
export const seed: number = seedOf(process.env['TIDEMARK_SEED'])
export const replay: string = `TIDEMARK_SEED=${seed}`

/** @throws Error for what is neither a whole number from 0 to 2^31 - 1 nor `random` */
function seedOf(text: string | undefined): number {
  if (text === undefined || text === '') return USUAL_SEED
  if (text === 'random') return Date.now() % 2 ** 31
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text)
  throw new Error(`TIDEMARK_SEED: ${text}: give a whole number from 0 to ${2 ** 31 - 1}, or random`)
}
