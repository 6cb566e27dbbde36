import { useQueries, type UseQueryResult } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import type { Connection, ListedSession } from '../../api/types.ts'

/** The sessions of these connections, the newest first, as one answer. */
export function useSessions (
  connections: readonly Connection[], everyMs?: number
): UseQueryResult<ListedSession[]> {
  return useQueries({
    queries: connections.map(({ id }) => ({ ...queries.sessions(id), ...everyMs && { refetchInterval: everyMs } })),
    combine: results => {
      const lacking = results.find(({ data }) => data === undefined)
      const all = results.flatMap(({ data = [] }) => data)
        .toSorted((a, b) => b.created_at.localeCompare(a.created_at))
      // One that failed speaks for all.
      const failed = results.find(({ isError, data }) => isError && data === undefined)
      const one = failed ?? lacking ?? results[0]
      return { ...one, data: lacking ? undefined : all } as UseQueryResult<ListedSession[]>
    }
  })
}
