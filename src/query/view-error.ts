/**
 * What is wrong with a view that was asked for.
 */
import { TidemarkError } from '../errors.ts'

/** The error for the value at `where` of a request, such as `filters[0].dimension`. */
export function viewError(where: string, problem: string, given: unknown, allowed: readonly string[]): TidemarkError {
  const shown = JSON.stringify(given)?.slice(0, 120) ?? 'nothing'
  const most = 30
  const named = allowed.length > most ? [...allowed.slice(0, most), `${allowed.length - most} more`] : allowed
  return new TidemarkError('VIEW_INVALID', `${where}: ${problem}. Given: ${shown}. Allowed: ${named.join(', ')}.`, {
    where,
    given,
    allowed,
    fix: `give ${where} one of the allowed values, or leave it out`,
  })
}
