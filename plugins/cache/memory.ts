import { LRUCache } from 'lru-cache'
import type { CacheEntry, CacheKey, CacheScope } from './driver.ts'

interface Kept { parts: CacheKey, entry: CacheEntry }

/** The process's own tier. */
export interface MemoryTier {
  get: (key: string, now: number) => CacheEntry | undefined
  set: (key: string, parts: CacheKey, entry: CacheEntry) => void
  drop: (scope: CacheScope) => void
  stats: () => { entries: number, bytes: number, limit_bytes: number }
}

/** No one answer may push out more than this share of the others. */
const MOST_SHARE = 1 / 8
/** What a character of JSON takes as an object in memory, about. */
const BYTES_PER_CHARACTER = 2

/** A bounded LRU: by bytes, for a chain of options is a thousand quotes. */
export function createMemory (limitBytes: number): MemoryTier {
  const entries = new LRUCache<string, Kept>({ maxSize: limitBytes, maxEntrySize: Math.floor(limitBytes * MOST_SHARE) })
  return {
    get (key, now) {
      const entry = entries.get(key)?.entry
      if (entry === undefined || entry.expires_at > now) return entry
      entries.delete(key)
      return undefined
    },
    set (key, parts, entry) {
      const size = (JSON.stringify(entry.value).length + key.length) * BYTES_PER_CHARACTER
      entries.set(key, { parts, entry }, { size })
    },
    drop (scope) {
      for (const [key, { parts }] of entries.entries()) if (matches(parts, scope)) entries.delete(key)
    },
    stats: () => ({ entries: entries.size, bytes: entries.calculatedSize, limit_bytes: limitBytes })
  }
}

function matches (parts: CacheKey, { owner_id: owner, connection_id: connection, tool }: CacheScope): boolean {
  return (owner === undefined || parts.owner_id === owner) &&
    (connection === undefined || parts.connection_id === connection) &&
    (tool === undefined || parts.tool === tool)
}
