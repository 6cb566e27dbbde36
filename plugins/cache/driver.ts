/** One stored answer. Instants are unix ms. */
export interface CacheEntry {
  value: unknown
  stored_at: number
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

/** Where entries outlive the process. Every driver passes test/contracts/cache-driver.ts. */
export interface CacheDriver {
  /** Undefined where there is none, or it has expired. */
  get: (key: string) => Promise<CacheEntry | undefined>
  set: (key: string, parts: CacheKey, entry: CacheEntry) => Promise<void>
  /** Answers how many entries went. */
  drop: (scope: CacheScope) => Promise<number>
  /** Removes what has expired; answers how many. */
  sweep: () => Promise<number>
}
