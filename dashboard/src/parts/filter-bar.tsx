import type { VNode } from 'preact'
import type { PagePlan } from '../../../src/pipeline/page.ts'
import { toggleMember } from '../model/page-state.ts'
import { clearFilters } from '../state/keys.ts'
import { go, view } from '../state/view-state.ts'
import { Name } from './name.tsx'

/** What is counted in and left out; a click lets it go. */
export function FilterBar({ page }: { page: PagePlan }): VNode | null {
  const filters = view.value?.filters ?? []
  if (filters.length === 0) return null
  const labelOf = (name: string): string =>
    page.boards.find(({ dimension }) => dimension.name === name)?.dimension.label ?? name
  return (
    <div class="filters" role="group" aria-label="Filters">
      {filters.flatMap(({ dimension, mode, members }) =>
        members.map((member) => (
          <button
            key={`${dimension} ${mode} ${member}`}
            type="button"
            class={`filter is-${mode}`}
            title="Let it go"
            onClick={() => go((state) => toggleMember(state, dimension, member, mode))}
          >
            {labelOf(dimension)} {mode === 'include' ? 'is' : 'is not'}{' '}
            <b>
              <Name text={member} />
            </b>
            <span aria-hidden="true"> ×</span>
            <span class="hidden">, let it go</span>
          </button>
        )),
      )}
      <button type="button" class="quiet" title="Clear all filters (Esc)" onClick={clearFilters}>
        clear all
      </button>
    </div>
  )
}
