import type { VNode } from 'preact'

/** The name of the program with its sign. */
export function Mark(): VNode {
  return (
    <h1 class="mark">
      <svg viewBox="0 0 22 22" aria-hidden="true">
        <path d="M2 8c3-4 6-4 9 0s6 4 9 0" />
        <path d="M2 15c3-4 6-4 9 0s6 4 9 0" opacity=".45" />
      </svg>
      Tidemark
    </h1>
  )
}
