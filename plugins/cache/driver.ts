/** One stored answer. Instants are unix ms. */
export interface CacheEntry {
  value: unknown
  stored_at: number
  /** Until when it is given without a word. */
  fresh_until: number
  /** When it is thrown away: until then it may stand in for an answer that cannot be had. */
  expires_at: number
}

export interface CacheKey {
  /** The session's id, or the connection's where its sessions share. */
  owner_id: string
  connection_id: string
  tool: string
  /** Validated, defaulted arguments without those of presentation. */
  args: Record<string, unknown>
}

/** What a drop takes with it; an empty one takes everything. */
export interface CacheScope {
  owner_id?: string
  connection_id?: string
  tool?: string
}

/** The right to load one key, for as long as it was asked for. */
export interface CacheLock {
  /** Grows with each lock of the key: a holder that lost its lock cannot overwrite what a later one stored. */
  fence: number
  release: () => Promise<void>
}

/** How much is stored of one tool for one connection. */
export interface CacheCount {
  connection_id: string
  tool: string
  entries: number
  /** As stored, after compression. */
  bytes: number
}

/** Where entries outlive the process. Every driver passes test/contracts/cache-driver.ts. */
export interface CacheDriver {
  name: 'redis' | 'postgres'
  /** Undefined where there is none, or it has expired. */
  get: (key: string, parts: CacheKey) => Promise<CacheEntry | undefined>
  /**
   * Stores the entry, and lets the owner's first to expire go where it has too many.
   * @param fence of the lock under which it was loaded
   * @returns false where it is not kept: it is over 1 MiB, or a later lock's holder has stored
   */
  set: (key: string, parts: CacheKey, entry: CacheEntry, fence?: number) => Promise<boolean>
  /** Undefined while another holds it. */
  lock: (key: string, parts: CacheKey, ttlMs: number) => Promise<CacheLock | undefined>
  /** Answers how many entries went. */
  drop: (scope: CacheScope) => Promise<number>
  /** Removes what has expired; answers how many. */
  sweep: () => Promise<number>
  counts: () => Promise<CacheCount[]>
}
