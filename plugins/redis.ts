import fp from 'fastify-plugin'
import { Cluster, Redis } from 'ioredis'
import { awake, Silence } from '../awake.ts'
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
export class RedisDown extends Error {
  override readonly name = 'RedisDown'
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Null where REDIS_URL is not set: Postgres does its work. */
    redis: RedisLink | null
  }
}

const COMMAND_MS = 250
const HANDSHAKE_MS = 1000
const TIMED_OUT = 'Command timed out'
/** What the client says of a command that had no connection; its errors have no codes. */
const GONE = /^(Connection is closed|Reached the max retries|Command aborted|Stream isn't writeable|Cluster is)/
/** A cluster refuses with these for as long as it has no node for a key. */
const AWAY = /^(CLUSTERDOWN|LOADING|MASTERDOWN)\b/

const OPTIONS = {
  // Bounds the handshake: a node that accepts and never answers is left.
  commandTimeout: HANDSHAKE_MS,
  connectTimeout: 1000,
  // A node that does not answer does not answer a FIN either.
  disconnectTimeout: 100,
  maxLoadingRetryTime: 200,
  // Whoever waited has gone on: what was lost with a connection is not sent again over the next.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  connectionName: 'financial-mcp-server'
}
const toPauseMs = (attempt: number) => Math.min(attempt * 100, 500)

export default fp<{ config: Pick<Config, 'redisUrls'> }>(async (app, { config }) => {
  if (!config.redisUrls.length) {
    app.decorate('redis', null)
    return
  }
  const { link, dialled, close } = openRedis(config.redisUrls, app.log)
  app.addHook('onClose', close)
  app.decorate('redis', link)
  app.health.add('redis', link.state)
  await dialled
}, { name: 'redis', dependencies: ['health'] })

/** Told when Redis comes back, and why it is away. */
export interface RedisLog {
  info (message: string): void
  warn (fields: { reason: string }, message: string): void
}

/**
 * Dials until it is closed.
 * @returns `dialled` ends when the first attempt has, either way: a start does not depend on Redis
 */
export function openRedis (urls: string[], log: RedisLog) {
  const client = createClient(urls)
  let isUp = false
  let isKnownDown = false
  let isClosing = false
  let probing = false
  let settle = () => {}
  const dialled = new Promise<void>(resolve => { settle = resolve })
  const nodes = () => client instanceof Cluster ? client.nodes('master') : [client]
  const ping = () => awake(COMMAND_MS, Promise.all(nodes().map(node => node.ping())))

  function lose (error?: Error): void {
    isUp = false
    settle()
    if (isKnownDown || isClosing) return
    isKnownDown = true
    // The message alone: an error of Redis carries its command's arguments, the password's among them.
    log.warn({ reason: error?.message ?? 'the connection was closed' }, 'Redis does not answer; the server goes on without it')
  }

  function redial (error: Error): void {
    lose(error)
    // In any other state it dials already.
    if (client.status === 'ready') client.disconnect(true)
  }

  /** A cluster is ready when one of its nodes is; a key may be on any. */
  async function rise (): Promise<void> {
    try {
      await ping()
    } catch (error) {
      return redial(error as Error)
    }
    if (isUp || isClosing) return
    isUp = true
    settle()
    if (isKnownDown) log.info('Redis answers again')
    isKnownDown = false
  }

  /** One silence may be this process's own pause; a second is the node's. */
  async function probe (): Promise<void> {
    if (probing) return
    probing = true
    await ping().catch(redial).finally(() => { probing = false })
  }

  client.on('ready', rise)
  client.on('close', () => lose())
  client.on('error', redial)

  const link: RedisLink = {
    async run (task) {
      // A call that has waited for one command must not wait for its next too.
      if (!isUp || probing) throw new RedisDown('Redis is away')
      try {
        return await awake(COMMAND_MS, task(client))
      } catch (error) {
        if (!(error instanceof Error)) throw error
        const { message } = withoutCommand(error)
        if (error instanceof Silence || message === TIMED_OUT) probe()
        else if (GONE.test(message) || AWAY.test(message)) redial(error)
        else throw error
        throw new RedisDown('Redis did not answer', { cause: error })
      }
    },
    state: () => isUp ? 'ok' : 'down',
    nodes
  }
  return {
    link,
    dialled,
    async close () {
      isClosing = true
      isUp = false
      client.disconnect()
    }
  }
}

function createClient (urls: string[]): RedisClient {
  const first = urls[0]!
  if (urls.length === 1) return new Redis(first, { ...OPTIONS, enableOfflineQueue: false, retryStrategy: toPauseMs })
  // The other nodes are found by asking one, and want the same password.
  const { protocol, username, password } = new URL(first)
  return new Cluster(urls, {
    redisOptions: {
      ...OPTIONS,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} })
    },
    enableOfflineQueue: false,
    clusterRetryStrategy: toPauseMs,
    // A certificate is issued to the name, not to its address.
    dnsLookup: (name, callback) => callback(null, name),
    // A node that is gone fails at once in place of being tried for the call's whole patience.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0
  })
}

/** A log that takes the error as it is must not show what was stored, or the password. */
function withoutCommand (error: Error & { command?: unknown }): Error {
  delete error.command
  return error
}
