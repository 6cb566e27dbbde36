import type { RedisClient, RedisLink } from '../redis.ts'
import { decode, encode } from './codec.ts'
import type { CacheCount, CacheDriver, CacheKey, CacheScope } from './driver.ts'
import { forgetEntries, pruneIndex, releaseLock, setEntry, takeLock } from './scripts.ts'

/**
 * A sorted set of `<owner>:<connection>` by the last `expires_at` of the owner: where to look for what is to be dropped
 * or counted. Neither it nor an owner's index has a TTL of its own, so no `volatile-*` policy evicts them.
 */
const OWNERS = 'cache-owners'
/** Members in one script: far below what would hold up others. */
const BATCH = 200

interface Owner { owner_id: string, connection_id: string }

/** Entries in Redis, or in a Redis Cluster; the layout stands in scripts.ts. */
export function createRedisDriver (link: RedisLink, { maxEntries }: { maxEntries: number }): CacheDriver {
  async function listOwners ({ owner_id: owner, connection_id: connection }: CacheScope = {}): Promise<Owner[]> {
    const members = await link.run(redis => redis.zrange(OWNERS, '0', '-1'))
    return members.map(toOwner).filter(known =>
      (owner ?? known.owner_id) === known.owner_id && (connection ?? known.connection_id) === known.connection_id)
  }

  /** Every indexed `<tool>:<args_hash>` of the owner with its bytes. */
  async function * scanSizes (owner: string): AsyncGenerator<[member: string, bytes: number]> {
    // A scan may answer one twice.
    const seen = new Set<string>()
    let cursor = '0'
    do {
      const [next, fields] = await link.run(redis => redis.hscan(toSizes(owner), cursor, 'COUNT', 1000))
      cursor = next
      for (let i = 0; i < fields.length; i += 2) {
        const member = fields[i]!
        if (!seen.has(member)) yield [member, Number(fields[i + 1])]
        seen.add(member)
      }
    } while (cursor !== '0')
  }

  async function forget (owner: string, members: string[]): Promise<number> {
    let gone = 0
    for (let i = 0; i < members.length; i += BATCH) {
      const batch = members.slice(i, i + BATCH)
      gone += Number(await link.run(redis =>
        forgetEntries(redis, [toIndex(owner), toSizes(owner)], toPrefix(owner), ...batch)))
    }
    return gone
  }

  async function prune (owner: string, now: number): Promise<number> {
    for (let total = 0; ;) {
      const pruned = Number(await link.run(redis => pruneIndex(redis, [toIndex(owner), toSizes(owner)], now, BATCH)))
      total += pruned
      if (pruned < BATCH) return total
    }
  }

  return {
    name: 'redis',

    async get (key, parts) {
      const bytes = await link.run(redis => readBytes(redis, toEntry(key, parts)))
      if (!bytes) return undefined
      const entry = await decode(bytes)
      if (!entry) await forget(parts.owner_id, [toMember(key, parts)])
      return entry
    },

    async set (key, parts, entry, fence) {
      const ttlMs = Math.round(entry.expires_at - Date.now())
      const body = ttlMs > 0 ? await encode(entry) : undefined
      if (!body) return false
      const { owner_id: owner, connection_id: connection } = parts
      // Before the entry: what is stored must be found by a drop.
      await link.run(redis => redis.zadd(OWNERS, 'GT', entry.expires_at, `${owner}:${connection}`))
      const keys = [toEntry(key, parts), toIndex(owner), toSizes(owner)]
      const stored = await link.run(redis => setEntry(redis, keys, toMember(key, parts), toPrefix(owner), body,
        fence ?? '', ttlMs, entry.expires_at, maxEntries))
      return stored === 1
    },

    async lock (key, parts, ttlMs) {
      const lock = `cache-lock:{${parts.owner_id}}:${toMember(key, parts)}`
      const fence = await link.run(redis => takeLock(redis, [lock, toEntry(key, parts)], ttlMs))
      if (!fence) return undefined
      return {
        fence: Number(fence),
        release: async () => { await link.run(redis => releaseLock(redis, [lock], String(fence))) }
      }
    },

    async drop (scope) {
      const known = scope.owner_id !== undefined && scope.connection_id === undefined
      const owners = known ? [scope.owner_id!] : (await listOwners(scope)).map(({ owner_id: owner }) => owner)
      let gone = 0
      for (const owner of new Set(owners)) {
        const members: string[] = []
        for await (const [member] of scanSizes(owner)) {
          if (scope.tool === undefined || toTool(member) === scope.tool) members.push(member)
        }
        gone += await forget(owner, members)
      }
      return gone
    },

    async sweep () {
      const now = Date.now()
      let swept = 0
      for (const { owner_id: owner } of await listOwners()) swept += await prune(owner, now)
      await link.run(redis => redis.zremrangebyscore(OWNERS, '-inf', now))
      return swept
    },

    async counts () {
      const counts = new Map<string, CacheCount>()
      for (const { owner_id: owner, connection_id: connection } of await listOwners()) {
        await prune(owner, Date.now())
        for await (const [member, bytes] of scanSizes(owner)) {
          const tool = toTool(member)
          const name = `${connection}:${tool}`
          const count = counts.get(name) ?? { connection_id: connection, tool, entries: 0, bytes: 0 }
          counts.set(name, { ...count, entries: count.entries + 1, bytes: count.bytes + bytes })
        }
      }
      return [...counts.values()]
    }
  }
}

function toOwner (member: string): Owner {
  const [owner = '', connection = ''] = member.split(':')
  return { owner_id: owner, connection_id: connection }
}

const toIndex = (owner: string) => `cache-index:{${owner}}`
const toSizes = (owner: string) => `cache-sizes:{${owner}}`
const toPrefix = (owner: string) => `cache:{${owner}}:`
const toMember = (key: string, { tool }: CacheKey) => `${tool}:${key.slice(key.lastIndexOf(':') + 1)}`
const toEntry = (key: string, parts: CacheKey) => toPrefix(parts.owner_id) + toMember(key, parts)
const toTool = (member: string) => member.slice(0, member.lastIndexOf(':'))

/** Something else under the key than a string is somebody else's: it cannot be read, and goes. */
async function readBytes (redis: RedisClient, key: string): Promise<Buffer | null> {
  try {
    return await redis.getBuffer(key)
  } catch (error) {
    if (!(error as Error).message.startsWith('WRONGTYPE')) throw error
    return Buffer.alloc(0)
  }
}
