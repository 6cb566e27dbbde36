import { useInfiniteQuery, useQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query'
import { answer, api } from '../../api/client.ts'
import { AWAITING_MS } from '../../api/queries.ts'
import type { Answer } from '../../api/types.ts'
import type { AuditFilter } from './filter.ts'

type AuditPage = Answer<'/api/audit'>
type Log = InfiniteData<AuditPage, string>

const PAGE = 50
/** The most that one answer may have. */
const MOST = 500

/** The events that fit, the newest first, page by page; with `isFollowing` what comes is put before them. */
export function useAuditLog (filter: AuditFilter, isFollowing: boolean) {
  const client = useQueryClient()
  const queryKey = ['audit', 'log', filter]
  const log = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => answer(api.GET('/api/audit', {
      params: { query: { ...filter, limit: PAGE, ...pageParam && { cursor: pageParam } } }, signal
    })),
    initialPageParam: '',
    getNextPageParam: ({ next_cursor: cursor }) => cursor,
    // Else all of its pages would be asked for anew, and move under the reader.
    refetchOnWindowFocus: false
  })

  const following = useQuery({
    queryKey: ['audit', 'after', filter],
    queryFn: async ({ signal }) => {
      const former = client.getQueryData<Log>(queryKey)
      const after = former?.pages.flatMap(({ items }) => items)[0]?.seq ?? 0
      const { items } = await answer(api.GET('/api/audit', {
        params: { query: { ...filter, after, limit: MOST } }, signal
      }))
      if (items.length) client.setQueryData<Log>(queryKey, log => log && prepend(log, items, after))
      return items.length
    },
    enabled: isFollowing && log.isSuccess,
    refetchInterval: AWAITING_MS
  })

  return {
    /** As one answer. */
    query: {
      data: log.data?.pages.flatMap(({ items }) => items),
      isError: log.isError,
      error: log.error,
      isFetching: log.isFetching,
      refetch: log.refetch
    },
    hasOlder: log.hasNextPage,
    isReadingOlder: log.isFetchingNextPage,
    readOlder: () => log.fetchNextPage(),
    readNewest: () => client.resetQueries({ queryKey }),
    error: following.error ?? (log.isFetchNextPageError ? log.error : null)
  }
}

/** @param items the oldest first, as they came behind `after` */
function prepend (log: Log, items: AuditPage['items'], after: number): Log {
  const [first, ...rest] = log.pages
  // Another answer may have brought them meanwhile.
  if (!first || (first.items[0]?.seq ?? 0) !== after) return log
  return { ...log, pages: [{ ...first, items: [...items.toReversed(), ...first.items] }, ...rest] }
}
