import { createHash } from 'node:crypto'
import type { RedisClient } from '../redis.ts'
import { MARK } from './codec.ts'

/**
 * What must happen at once in Redis. Every key of a call is of one owner, hence of one slot:
 * - `cache:{<owner>}:<tool>:<args_hash>` an entry, `fmcp1 <fence> …`
 * - `cache-index:{<owner>}` a sorted set of `<tool>:<args_hash>` by `expires_at`
 * - `cache-sizes:{<owner>}` a hash of their bytes
 * - `cache-lock:{<owner>}:<tool>:<args_hash>` the fence of who loads
 */
type Script = (redis: RedisClient, keys: string[], ...args: (string | number | Buffer)[]) => Promise<unknown>

function define (lua: string): Script {
  const sha = createHash('sha1').update(lua).digest('hex')
  return async (redis, keys, ...args) => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...args)
    } catch (error) {
      // A node that was restarted, or has just joined, does not have it yet.
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
      return redis.eval(lua, keys.length, ...keys, ...args)
    }
  }
}

/** A value of another type, or of somebody else, has no fence. */
const FENCE_OF = `
  local function fenceOf (key)
    local head = redis.pcall('GETRANGE', key, 0, 64)
    return type(head) == 'string' and tonumber(string.match(head, '^${MARK}(%d+) ')) or 0
  end`

/**
 * KEYS entry, index, sizes. ARGV member, prefix of entries, body, fence or '', ttl in ms, expires_at, most entries.
 * Answers 0 where a later fence has stored.
 */
export const setEntry = define(`${FENCE_OF}
  local stored = fenceOf(KEYS[1])
  local fence = tonumber(ARGV[4]) or stored
  if fence < stored then return 0 end
  redis.call('ZREM', KEYS[2], ARGV[1])
  local excess = redis.call('ZCARD', KEYS[2]) + 1 - tonumber(ARGV[7])
  if excess > 0 then
    local first = redis.call('ZRANGE', KEYS[2], 0, math.min(excess, 200) - 1)
    for _, member in ipairs(first) do
      redis.call('UNLINK', ARGV[2] .. member)
      redis.call('ZREM', KEYS[2], member)
      redis.call('HDEL', KEYS[3], member)
    end
  end
  local value = '${MARK}' .. string.format('%.0f', fence) .. ' ' .. ARGV[3]
  redis.call('SET', KEYS[1], value, 'PX', ARGV[5])
  redis.call('ZADD', KEYS[2], ARGV[6], ARGV[1])
  redis.call('HSET', KEYS[3], ARGV[1], #value)
  return 1`)

/** KEYS index, sizes. ARGV prefix of entries, members. Answers how many entries there were. */
export const forgetEntries = define(`
  local gone = 0
  for i = 2, #ARGV do
    gone = gone + redis.call('UNLINK', ARGV[1] .. ARGV[i])
    redis.call('ZREM', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
  return gone`)

/** KEYS index, sizes. ARGV now, most at once. Takes the expired out; Redis itself takes the entries. */
export const pruneIndex = define(`
  local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
  for _, member in ipairs(expired) do
    redis.call('ZREM', KEYS[1], member)
    redis.call('HDEL', KEYS[2], member)
  end
  return #expired`)

/**
 * KEYS lock, entry. ARGV ttl in ms. Answers the fence, or nothing while another holds it. A fence is the time in µs:
 * it grows without a counter that could be lost, and never stands below what is stored.
 */
export const takeLock = define(`${FENCE_OF}
  local time = redis.call('TIME')
  local fence = string.format('%.0f', math.max(time[1] * 1000000 + time[2], fenceOf(KEYS[2]) + 1))
  return redis.call('SET', KEYS[1], fence, 'NX', 'PX', ARGV[1]) and fence`)

/** KEYS lock. ARGV fence. */
export const releaseLock = define(`
  return redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('DEL', KEYS[1]) or 0`)
