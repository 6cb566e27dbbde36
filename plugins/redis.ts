import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import { Cluster, Redis, ReplyError } from 'ioredis'
import type { Config } from '../config.ts'
import type { HealthState } from './health.ts'

export type RedisClient = Redis | Cluster

/** The way to Redis: whoever takes it goes on without, so it says at once when Redis is away. */
export interface RedisLink {
  /**
   * Runs commands within 250 ms each; fails at once while Redis is away.
   * @throws RedisDown, or Redis' own error of a command that it refuses
   */
  run: <T>(task: (redis: RedisClient) => Promise<T>) => Promise<T>
  state: () => HealthState
  /** The nodes that hold keys, to scan them: one where there is no cluster. */
  nodes: () => Redis[]
}

/** Redis is not there, or does not answer in time. */
export class RedisDown extends Error {}

declare module 'fastify' {
  interface FastifyInstance {
    /** Null where REDIS_URL is not set: Postgres does its work. */
    redis: RedisLink | null
  }
}

const COMMAND_MS = 250
/** A node that answered this many commands in a row with silence is left and dialled anew. */
const MOST_TIMEOUTS = 3

const OPTIONS = {
  commandTimeout: COMMAND_MS,
  connectTimeout: 1000,
  maxRetriesPerRequest: 1,
  connectionName: 'financial-mcp-server'
}
const toPauseMs = (attempt: number) => Math.min(attempt * 50, 500)

export default fp<{ config: Pick<Config, 'redisUrls'> }>(async (app, { config }) => {
  if (!config.redisUrls.length) {
    app.decorate('redis', null)
    return
  }
  const { link, close } = openRedis(config.redisUrls, app.log)
  app.decorate('redis', link)
  app.health.add('redis', link.state)
  app.addHook('onClose', close)
}, { name: 'redis', dependencies: ['health'] })

/** Dials in the background: a server starts with or without its Redis. */
export function openRedis (urls: string[], log: Pick<FastifyBaseLogger, 'info' | 'warn'>) {
  const client: RedisClient = urls.length > 1
    ? new Cluster(urls, { redisOptions: OPTIONS, enableOfflineQueue: false, clusterRetryStrategy: toPauseMs })
    : new Redis(urls[0]!, { ...OPTIONS, enableOfflineQueue: false, retryStrategy: toPauseMs })
  let isUp = false
  let timeouts = 0
  let wasDown = false

  client.on('ready', () => {
    if (wasDown) log.info('Redis answers again')
    isUp = true
    wasDown = false
    timeouts = 0
  })
  const lost = (error?: Error) => {
    isUp = false
    if (!wasDown && !closing) log.warn({ err: error }, 'Redis does not answer; the server goes on without it')
    wasDown = true
  }
  let closing = false
  client.on('close', () => lost())
  client.on('error', lost)

  const link: RedisLink = {
    async run (task) {
      if (!isUp) throw new RedisDown('Redis is away')
      try {
        const result = await task(client)
        timeouts = 0
        return result
      } catch (error) {
        if (error instanceof ReplyError) throw error
        if (++timeouts >= MOST_TIMEOUTS && isUp) {
          lost(error as Error)
          client.disconnect(true)
        }
        throw new RedisDown('Redis did not answer', { cause: error })
      }
    },
    state: () => isUp ? 'ok' : 'down',
    nodes: () => client instanceof Cluster ? client.nodes('master') : [client]
  }
  return {
    link,
    async close () {
      closing = true
      client.disconnect()
    }
  }
}
