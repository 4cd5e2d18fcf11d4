/**
 * Passwords as scrypt hashes: slow on purpose, because people think of passwords that can be guessed.
 *
 * P1  One password is hashed at a time, and few wait: memory and processor time that guessing can take are bounded.
 * P2  A name that is unknown costs as much time as one that is known.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** 2^15 rounds of 8 blocks: 32 MiB and about 0.1 s. */
const LOG_ROUNDS = 15
const BLOCK_SIZE = 8
const HASH_BYTES = 32
const SALT_BYTES = 16
const MAX_MEMORY_BYTES = 64 * 1_048_576
const MAX_WAITING = 8

/** The longest password, in UTF-16 code units. */
export const MAX_PASSWORD_LENGTH = 512

/** The form of a hash: `scrypt$15$8$SALT$HASH`, both base64. */
export const HASH_FORM: RegExp = /^scrypt\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/=]{16,64})\$([A-Za-z0-9+/=]{16,128})$/

let last: Promise<unknown> = Promise.resolve()
let waiting = 0

/** A new hash of a password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await inTurn(() => derive(password, salt, LOG_ROUNDS, BLOCK_SIZE, HASH_BYTES))
  return `scrypt$${LOG_ROUNDS}$${BLOCK_SIZE}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Whether so many passwords are being checked that another one has to come later (P1). */
export function isBusy(): boolean {
  return waiting >= MAX_WAITING
}

/** Whether a password is that of a hash; never for one that is undefined (P2). */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, logRounds, blockSize, salt = '', expected = ''] = HASH_FORM.exec(hash ?? NOBODY) ?? []
  const wanted = Buffer.from(expected, 'base64')
  const found = await inTurn(() =>
    derive(password, Buffer.from(salt, 'base64'), Number(logRounds), Number(blockSize), wanted.length),
  )
  return timingSafeEqual(found, wanted) && hash !== undefined
}

const NOBODY = `scrypt$${LOG_ROUNDS}$${BLOCK_SIZE}$${Buffer.alloc(SALT_BYTES).toString('base64')}$${Buffer.alloc(HASH_BYTES).toString('base64')}`

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  waiting++
  const turn = last.then(work)
  last = turn.catch(() => undefined)
  try {
    return await turn
  } finally {
    waiting--
  }
}

function derive(
  password: string,
  salt: Buffer,
  logRounds: number,
  blockSize: number,
  byteLength: number,
): Promise<Buffer> {
  const options = { N: 2 ** logRounds, r: blockSize, p: 1, maxmem: MAX_MEMORY_BYTES }
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, byteLength, options, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}
