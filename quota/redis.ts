import { createHash } from 'node:crypto'
import type { RedisClient, RedisLink } from '../plugins/redis.ts'
import type { QuotaPlan } from '../schemas/control.ts'
import { BLOCK, RAISE, READ, TAKE } from './lua.ts'
import { GEOMETRY, toReserve } from './plans.ts'
import type { QuotaStore, QuotaWindow } from './types.ts'

const LEARNED_SECONDS = 30 * 86_400

interface Script { text: string, sha: string }
const toScript = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })
const SCRIPTS = { take: toScript(TAKE), raise: toScript(RAISE), block: toScript(BLOCK), read: toScript(READ) }

/** The count of all replicas in Redis, by its clock. The keys of a ledger share a hash slot: `quota:{<ledger>}:…`. */
export function createRedisStore (link: RedisLink): QuotaStore {
  const run = (name: keyof typeof SCRIPTS, keys: string[], args: (string | number)[]) =>
    link.run(redis => evaluate(redis, SCRIPTS[name], keys, args))
  const toKey = (ledger: string, part: string) => `quota:{${ledger}}:${part}`

  return {
    async take ({ ledger, windows, sessionId, background, unrecorded = 0 }) {
      const keys = ['blocked', 'asked', ...windows.map(({ per }) => per)].map(part => toKey(ledger, part))
      const args = [sessionId ?? '', background ? 1 : 0, unrecorded, ...windows.flatMap(toArguments)]
      const [granted, waitMs, tight, remaining] = await run('take', keys, args) as [number, number, number, number]
      const window = windows[tight - 1]
      const left = window ? { left: remaining, limit: window.limit!, per: window.per } : null
      return granted ? { granted: true, left } : { granted: false, waitMs, left }
    },

    async correct (ledger, window, left) {
      if (window.limit === null) return
      await run('raise', [toKey(ledger, window.per)], [window.limit - left, ...toArguments(window)])
    },

    async block (ledger, ms) {
      await run('block', [toKey(ledger, 'blocked')], [Math.ceil(ms)])
    },

    async read (ledger, windows) {
      const keys = ['blocked', ...windows.map(({ per }) => per)].map(part => toKey(ledger, part))
      const [blockedMs, ...numbers] = await run('read', keys, windows.flatMap(toArguments)) as [number, ...number[]]
      return {
        blockedMs,
        windows: windows.map(({ per }, i) => {
          const [used, freesMs] = [numbers[2 * i]!, numbers[2 * i + 1]!]
          return { per, used, freesMs: freesMs < 0 ? null : freesMs }
        })
      }
    },

    async learn (ledger, plan) {
      const key = toKey(ledger, 'learned')
      const values = Object.entries(plan).map(([name, limit]) => [name, JSON.stringify(limit)] as const)
      await link.run(async redis => {
        await redis.hset(key, Object.fromEntries(values))
        await redis.expire(key, LEARNED_SECONDS)
      })
    },

    async learned (ledger) {
      const values = await link.run(redis => redis.hgetall(toKey(ledger, 'learned')))
      return Object.fromEntries(Object.entries(values).map(([name, limit]) => [name, JSON.parse(limit)])) as QuotaPlan
    }
  }
}

function toArguments ({ per, limit }: QuotaWindow): number[] {
  const { bucketMs, span, activeMs } = GEOMETRY[per]
  return [limit ?? -1, bucketMs, span, activeMs, limit === null ? 0 : toReserve(limit)]
}

/** Redis forgets its scripts when it restarts. */
async function evaluate (
  redis: RedisClient, { text, sha }: Script, keys: string[], args: (string | number)[]
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return redis.eval(text, keys.length, ...keys, ...args)
  }
}
