import { queryOptions } from '@tanstack/react-query'
import { answer, api } from './client.ts'
import type { AuditQuery, UsageQuery } from './types.ts'

/** While something is awaited the server is asked this often. */
export const AWAITING_MS = 2000

/** What the server tells, under one key each: `useQuery(queries.connection(id))`. */
export const queries = {
  setup: () => queryOptions({
    queryKey: ['setup'], queryFn: ({ signal }) => answer(api.GET('/api/setup', { signal }))
  }),

  admin: () => queryOptions({
    queryKey: ['admin'], queryFn: ({ signal }) => answer(api.GET('/api/admin', { signal }))
  }),

  /** The URL of the MCP endpoint as clients must call it. */
  endpoint: () => queryOptions({
    queryKey: ['endpoint'],
    queryFn: async ({ signal }) =>
      (await answer(api.GET('/.well-known/oauth-protected-resource/mcp', { signal }))).resource
  }),

  connections: () => queryOptions({
    queryKey: ['connections'], queryFn: ({ signal }) => answer(api.GET('/api/connections', { signal }))
  }),

  connection: (id: string) => queryOptions({
    queryKey: ['connections', id],
    queryFn: ({ signal }) => answer(api.GET('/api/connections/{id}', { params: { path: { id } }, signal }))
  }),

  /** What its keys have used and have left, and what they are not for. */
  connectionUsage: (id: string) => queryOptions({
    queryKey: ['connections', id, 'usage'],
    queryFn: ({ signal }) => answer(api.GET('/api/connections/{id}/usage', { params: { path: { id } }, signal }))
  }),

  /** Who answers what over it. */
  entitlements: (id: string) => queryOptions({
    queryKey: ['connections', id, 'entitlements'],
    queryFn: ({ signal }) => answer(api.GET('/api/connections/{id}/entitlements', { params: { path: { id } }, signal }))
  }),

  /** The catalogue, the same for every connection as long as the server runs. */
  tools: (connectionId: string) => queryOptions({
    queryKey: ['tools'],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/connections/{id}/tools', { params: { path: { id: connectionId } }, signal })),
    staleTime: Infinity
  }),

  /** What a key of each consists of, and where it is to be had; the same as long as the server runs. */
  providers: () => queryOptions({
    queryKey: ['providers'], queryFn: ({ signal }) => answer(api.GET('/api/providers', { signal })), staleTime: Infinity
  }),

  sessions: (connectionId: string) => queryOptions({
    queryKey: ['sessions', connectionId],
    queryFn: ({ signal }) =>
      answer(api.GET('/api/connections/{id}/sessions', { params: { path: { id: connectionId } }, signal }))
  }),

  session: (id: string) => queryOptions({
    queryKey: ['sessions', 'one', id],
    queryFn: ({ signal }) => answer(api.GET('/api/sessions/{id}', { params: { path: { id } }, signal }))
  }),

  /** Calls over time. */
  usage: (query: UsageQuery) => queryOptions({
    queryKey: ['usage', query], queryFn: ({ signal }) => answer(api.GET('/api/usage', { params: { query }, signal }))
  }),

  /** Newest first. */
  audit: (query: AuditQuery) => queryOptions({
    queryKey: ['audit', query], queryFn: ({ signal }) => answer(api.GET('/api/audit', { params: { query }, signal }))
  })
}
