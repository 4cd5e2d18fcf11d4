/**
 * Questions to the server, and its refusals in its own words.
 */

import { goToLogin } from './viewer.ts'

/** A refusal: what failed, and one way out. */
export class Refused extends Error {
  readonly status: number
  readonly fix: string

  constructor(status: number, message: string, fix: string) {
    super(message)
    this.status = status
    this.fix = fix
  }
}

/** Posts a question, or gets an address where there is no body. */
export async function fetchAnswer(path: string, body?: string, signal?: AbortSignal): Promise<unknown> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body }
  const response = await fetch(path, signal === undefined ? init : { ...init, signal })
  if (!response.ok) throw await refusalOf(response)
  return response.json()
}

/** The refusal an answer is. */
export async function refusalOf(response: Response): Promise<Refused> {
  const { message, fix, code } = readRefusal(await response.text())
  if (response.status === 401 && code === 'login_required') goToLogin()
  return new Refused(response.status, message ?? `The server answered ${response.status}.`, fix ?? '')
}

interface RefusalTexts {
  readonly message?: string
  readonly fix?: string
  readonly code?: string
}

function readRefusal(text: string): RefusalTexts {
  try {
    return JSON.parse(text) as RefusalTexts
  } catch {
    return {}
  }
}
