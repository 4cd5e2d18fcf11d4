/**
 * An answer that takes nothing: what is wrong, by a stable code, in a sentence, and when to try again.
 */

/** Every reason for which a request is refused, with its status. */
export const REFUSAL_STATUS = {
  bad_request: 400,
  bad_encoding: 400,
  no_target: 400,
  key_required: 401,
  key_invalid: 401,
  stream_not_allowed: 403,
  cross_origin: 403,
  target_not_allowed: 403,
  not_found: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  inflated_too_large: 413,
  too_many_events: 413,
  event_too_large: 413,
  media_type: 415,
  content_encoding: 415,
  wrong_host: 421,
  broken_array: 422,
  rate_limited: 429,
  internal: 500,
  too_busy: 503,
  not_ready: 503,
  memory_full: 503,
} as const

export type RefusalCode = keyof typeof REFUSAL_STATUS

/** What a refused client is told. Nothing of the request was taken. */
export class Refusal {
  readonly code: RefusalCode
  /** One sentence, and what to do. */
  readonly message: string
  /** Whole seconds after which the same request may be sent again. */
  readonly retryAfterS: number | undefined
  /** Whether something else has to happen first: whoever comes again at once comes in vain. */
  readonly isLasting: boolean

  constructor(code: RefusalCode, message: string, retryAfterS?: number, isLasting: boolean = false) {
    this.code = code
    this.message = message
    this.retryAfterS = retryAfterS
    this.isLasting = isLasting
  }

  get status(): number {
    return REFUSAL_STATUS[this.code]
  }
}
