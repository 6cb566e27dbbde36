import { queryOptions } from '@tanstack/react-query'
import { answer, api } from '../../api/client.ts'
import type { Answer } from '../../api/types.ts'

export type System = Answer<'/api/system'>
export type Rewrap = Answer<'/api/keys/rewrap'>
export type CacheStats = Answer<'/api/cache'>
export type ListedAdmin = Answer<'/api/admins'>[number]
export type AdminLogin = Answer<'/api/admins/{id}/logins'>[number]
export type AdminToken = Answer<'/api/admin-tokens'>[number]

/** How often what changes by itself is asked for while it is looked at. */
const WATCHED_MS = 5000
const RUNNING_MS = 1000

export const systemQueries = {
  system: () => queryOptions({
    queryKey: ['system'], queryFn: ({ signal }) => answer(api.GET('/api/system', { signal })), refetchInterval: WATCHED_MS
  }),

  cache: () => queryOptions({
    queryKey: ['cache'], queryFn: ({ signal }) => answer(api.GET('/api/cache', { signal })), refetchInterval: WATCHED_MS
  }),

  /** Often while one runs, wherever it was started. */
  rewrap: () => queryOptions({
    queryKey: ['rewrap'],
    queryFn: ({ signal }) => answer(api.GET('/api/keys/rewrap', { signal })),
    refetchInterval: ({ state }) => state.data?.state === 'running' ? RUNNING_MS : WATCHED_MS
  }),

  admins: () => queryOptions({
    queryKey: ['admins'], queryFn: ({ signal }) => answer(api.GET('/api/admins', { signal }))
  }),

  logins: (id: string) => queryOptions({
    queryKey: ['admins', id, 'logins'],
    queryFn: ({ signal }) => answer(api.GET('/api/admins/{id}/logins', { params: { path: { id } }, signal }))
  }),

  tokens: () => queryOptions({
    queryKey: ['admin-tokens'], queryFn: ({ signal }) => answer(api.GET('/api/admin-tokens', { signal }))
  })
}
