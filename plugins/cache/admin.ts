/** What an operator sees of the cache and does to it, over REST and in `fmcp`. */
import type { FastifyInstance } from 'fastify'
import { countCacheUse } from '../../db/cache-use.ts'
import type { CacheFilter, CacheStats } from '../../schemas/cache.ts'
import type { Actor } from '../audit/index.ts'
import type { CacheCount } from './driver.ts'

type App = Pick<FastifyInstance, 'cache' | 'audit' | 'db' | 'log'>

/** What is stored of one tool for one connection, and how often it was asked for. */
type Row = Pick<CacheCount, 'connection_id' | 'tool'> & Partial<CacheCount> & { calls?: number, hits?: number }

/** @throws OVERLOADED while the database is away */
export async function readCacheStats (app: App): Promise<CacheStats> {
  await app.audit.flush()
  const [counts, uses] = await Promise.all([readCounts(app), countCacheUse(app.db)])
  const rows: Row[] = [...counts ?? [], ...uses]
  const isKnown = counts !== undefined
  return {
    ...app.cache.tiers(),
    ...sumOf(rows, isKnown),
    by_tool: groupsOf(rows, 'tool', isKnown).map(({ name, ...use }) => ({ tool: name, ...use })),
    by_connection: groupsOf(rows, 'connection_id', isKnown).map(({ name, ...use }) => ({ connection_id: name, ...use }))
  }
}

/** @throws OVERLOADED where the store does not answer: it drops them before it is read again */
export async function clearCache (app: App, { connection, session, tool }: CacheFilter, by: Actor): Promise<number> {
  const dropped = await app.cache.drop({
    ...(connection !== undefined && { connection_id: connection }),
    ...(session !== undefined && { owner_id: session }),
    ...(tool !== undefined && { tool })
  })
  await app.audit.record(app.db, {
    ...by,
    action: 'cache.clear',
    target: tool ?? null,
    connection_id: connection ?? null,
    session_id: session ?? null,
    details: { dropped }
  })
  return dropped
}

async function readCounts ({ cache, log }: App): Promise<CacheCount[] | undefined> {
  try {
    return await cache.counts()
  } catch (error) {
    log.debug({ err: error }, 'the entries of the cache could not be counted')
    return undefined
  }
}

function groupsOf (rows: readonly Row[], by: 'tool' | 'connection_id', isKnown: boolean) {
  const names = [...new Set(rows.map(row => row[by]))].sort()
  return names.map(name => ({ name, ...sumOf(rows.filter(row => row[by] === name), isKnown) }))
}

function sumOf (rows: readonly Row[], isKnown: boolean) {
  const sum = (of: 'entries' | 'bytes' | 'calls' | 'hits') => rows.reduce((total, row) => total + (row[of] ?? 0), 0)
  const [calls, hits] = [sum('calls'), sum('hits')]
  return {
    entries: isKnown ? sum('entries') : null,
    bytes: isKnown ? sum('bytes') : null,
    calls,
    hits,
    hit_ratio: calls ? Math.round(hits / calls * 1000) / 1000 : null
  }
}
