/**
 * Places labels so that no two overlap, each as near to where it belongs as the others allow.
 *
 * @param wanted where the middle of each label belongs
 * @param gap least distance between two middles
 * @param min lowest and `max` highest middle; when there is too little room, the gap shrinks
 * @returns the middles, in the order of `wanted`
 */
export function spread(wanted: readonly number[], gap: number, min: number, max: number): readonly number[] {
  const step = wanted.length < 2 ? gap : Math.min(gap, (max - min) / (wanted.length - 1))
  const order = wanted.map((_, index) => index).toSorted((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0) || a - b)
  // With the room of the labels above taken off, "no overlap" is "never decreasing": a least-squares fit under that
  // condition is found by pooling neighbours that violate it (Ayer et al., 1955).
  const pools: { sum: number; count: number }[] = []
  order.forEach((index, rank) => {
    let pool = { sum: (wanted[index] ?? 0) - rank * step, count: 1 }
    for (let last = pools.at(-1); last !== undefined && mean(last) > mean(pool); last = pools.at(-1)) {
      pools.pop()
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count }
    }
    pools.push(pool)
  })
  const highest = max - (wanted.length - 1) * step
  const fitted = pools.flatMap((pool) => Array.from({ length: pool.count }, () => clamp(mean(pool), min, highest)))
  const places = [...wanted]
  order.forEach((index, rank) => {
    places[index] = (fitted[rank] ?? 0) + rank * step
  })
  return places
}

function mean({ sum, count }: { sum: number; count: number }): number {
  return sum / count
}

function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value))
}
