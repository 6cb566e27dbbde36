/** The words with the fewest edits from `word`, at most half of its letters; three at most. */
export function nearest (word: string, words: readonly string[]): string[] {
  const all = words.map(other => ({ other, edits: editsBetween(word.slice(0, 40), other) }))
  const fewest = Math.min(...all.map(({ edits }) => edits))
  if (fewest > word.length / 2) return []
  return all.filter(({ edits }) => edits === fewest).slice(0, 3).map(({ other }) => other)
}

/** Letters to insert, delete or replace, or neighbours to swap, until one word is the other. */
function editsBetween (a: string, b: string): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i])
  rows[0] = Array.from({ length: b.length + 1 }, (_, j) => j)
  const at = (i: number, j: number) => rows[i]?.[j] ?? Infinity
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      rows[i]![j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        swapped ? at(i - 2, j - 2) + 1 : Infinity
      )
    }
  }
  return at(a.length, b.length)
}
