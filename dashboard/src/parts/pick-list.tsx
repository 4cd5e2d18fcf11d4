import type { ComponentChildren, VNode } from 'preact'

/** One thing that can be chosen; `refused` says why it cannot be now. */
export interface Option<Value extends string> {
  readonly value: Value
  readonly text: string
  readonly refused?: string | undefined
}

export interface PickListProps<Value extends string> {
  /** What is chosen, for who cannot see it. */
  readonly label: string
  /** What it does, and its key. */
  readonly title: string
  readonly value: Value
  readonly options: readonly Option<Value>[]
  readonly onPick: (value: Value) => void
  /** What stands before it. */
  readonly prefix?: string
  /** More to choose from, after the options. */
  readonly children?: ComponentChildren
}

/** A choice in one word, out of a list that the browser shows. */
export function PickList<Value extends string>(props: PickListProps<Value>): VNode {
  const { label, title, value, options, onPick, prefix, children } = props
  return (
    <label class="pick" title={title}>
      {prefix !== undefined && <span>{prefix}</span>}
      <select
        aria-label={label}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.currentTarget.value)
          onPick(chosen?.value ?? (event.currentTarget.value as Value))
        }}
      >
        {options.map(({ value: own, text, refused }) => (
          <option key={own} value={own} disabled={refused !== undefined} title={refused}>
            {text}
          </option>
        ))}
        {children}
      </select>
    </label>
  )
}
