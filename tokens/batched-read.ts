const MOST_IDS = 500

/**
 * Reads rows by id, one statement at a time: what is asked for meanwhile goes into the next one. So thousands of reads
 * at once take one connection of the pool and not all of them.
 * @param load answers the rows that exist, in any order; its error goes to all who asked
 */
export function createBatchedRead<T extends { id: string }> (
  load: (ids: string[]) => Promise<T[]>
): (id: string) => Promise<T | undefined> {
  let next: { ids: Set<string>, rows: Promise<Map<string, T>> } | undefined
  let last: Promise<unknown> = Promise.resolve()

  function open () {
    const ids = new Set<string>()
    const rows = last.then(async () => {
      if (next?.ids === ids) next = undefined
      return new Map((await load([...ids])).map(row => [row.id, row]))
    })
    last = rows.catch(() => {})
    next = { ids, rows }
    return next
  }

  return async id => {
    const batch = next && next.ids.size < MOST_IDS ? next : open()
    batch.ids.add(id)
    return (await batch.rows).get(id)
  }
}
