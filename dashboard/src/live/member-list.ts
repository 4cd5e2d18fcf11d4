/**
 * All members of a dimension, thousands of them: a page is asked for once one of its rows is seen.
 */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import type { RankedMember, ViewAnswer } from '../../../src/query/view-answer.ts'
import { MAX_RANKED, type ViewQuery } from '../../../src/query/view-query.ts'
import { memberQuery } from '../model/view-question.ts'
import type { PageState } from '../model/page-state.ts'
import { isViewAnswer } from './answer-shape.ts'
import { fetchAnswer } from './refused.ts'

const PAGE_ROWS = 500
/** Typing goes on: a search waits for a pause. */
const SEARCH_PAUSE_MS = 150

export interface MemberList {
  /** In order; undefined where the page of a row has not come. */
  readonly members: readonly (RankedMember | undefined)[]
  readonly whole: ViewAnswer['ranks'][number]['whole']
}

export interface ListedMembers {
  /** What is listed: another text for another list. */
  readonly question: string
  /** Null before the first page has come. */
  readonly list: MemberList | null
  /** Asks for the page of a row, unless that was done. */
  readonly want: (row: number) => void
}

/** The members that a state and a search leave, page by page. */
export function useMemberList(
  page: PagePlan,
  state: PageState | null,
  dimension: string,
  search: string,
): ListedMembers {
  const list = useSignal<MemberList | null>(null)
  const asked = useRef(new Set<number>())
  const pageAt = (offset: number): string =>
    state === null ? '' : JSON.stringify(queryOf(page, state, { dimension, search, offset, limit: PAGE_ROWS }))
  const question = pageAt(0)
  const load = async (offset: number, signal?: AbortSignal): Promise<void> => {
    if (question === '' || asked.current.has(offset)) return
    const own = asked.current
    own.add(offset)
    const rank = await askForPage(pageAt(offset), signal)
    // What was asked before another question is not of this list.
    if (rank === undefined || own !== asked.current) return
    const members = list.peek()?.members.slice() ?? new Array<undefined>(rank.memberCount).fill(undefined)
    rank.members.forEach((member, index) => (members[offset + index] = member))
    list.value = { members, whole: rank.whole }
  }
  useEffect(() => {
    asked.current = new Set()
    list.value = null
    const own = new AbortController()
    const timer = setTimeout(() => void load(0, own.signal), search === '' ? 0 : SEARCH_PAUSE_MS)
    return () => {
      clearTimeout(timer)
      own.abort()
    }
  }, [question])
  return { question, list: list.value, want: (row) => void load(Math.floor(row / PAGE_ROWS) * PAGE_ROWS) }
}

/** All members that a state and a search leave, in order. */
export async function allMembers(asked: {
  readonly page: PagePlan
  readonly state: PageState
  readonly dimension: string
  readonly search: string
}): Promise<readonly RankedMember[]> {
  const { page, state, dimension, search } = asked
  const members: RankedMember[] = []
  let count = 0
  do {
    const query = queryOf(page, state, { dimension, search, offset: members.length, limit: MAX_RANKED })
    const answer = await fetchAnswer('/api/v1/view', JSON.stringify(query))
    const rank = isViewAnswer(answer) ? answer.ranks[0] : undefined
    if (rank === undefined || rank.members.length === 0) break
    members.push(...rank.members)
    count = rank.memberCount
  } while (members.length < count)
  return members
}

/** A filter of the dimension itself leaves the list as it is, which shows it. */
function queryOf(page: PagePlan, state: PageState, part: Parameters<typeof memberQuery>[2]): ViewQuery {
  const filters = state.filters.filter((filter) => filter.dimension !== part.dimension)
  return memberQuery(page, { ...state, filters }, part)
}

async function askForPage(query: string, signal?: AbortSignal): Promise<ViewAnswer['ranks'][number] | undefined> {
  try {
    const answer = await fetchAnswer('/api/v1/view', query, signal)
    return isViewAnswer(answer) ? answer.ranks[0] : undefined
  } catch {
    return undefined
  }
}
