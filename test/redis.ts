/** A Redis for a test: given by URL, the run's container, or a `redis-server` on PATH. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { openRedis, type RedisLink } from '../plugins/redis.ts'
import { readState } from './database.ts'

export const hasRedisServer = (() => {
  try { return Boolean(execFileSync('redis-server', ['--version'])) } catch { return false }
})()
/** One for all tests, given or in a container. */
const shared = process.env.TEST_REDIS_URL || ofRun()

/** Options of a test that needs a Redis: skipped, loudly, where there is none; with CI=true it fails instead. */
export const needsRedis = skipUnless(Boolean(shared) || hasRedisServer,
  'no Redis: set TEST_REDIS_URL, start a Docker engine, or install redis-server')
/** Options of a test that kills its Redis, cuts its files or makes a cluster of it. */
export const needsRedisServer = skipUnless(hasRedisServer, 'no redis-server on PATH')

function skipUnless (there: boolean, reason: string): { skip?: string } {
  return there || process.env.CI === 'true' ? {} : { skip: reason }
}

function ofRun (): string | undefined {
  try { return readState().redisUrl } catch { return undefined }
}

/** The URL of an empty Redis, ended with the test. */
export async function startRedis (t: Test): Promise<string> {
  return shared ? reserve(t, shared) : (await startRedisServer(t)).url
}

/** Without a setting of its own a Redis has 16. */
const LAST_DATABASE = 15
/** A test that died keeps its database no longer. */
const RESERVED_SECONDS = 600

/** Tests run at once: each takes one of the server's numbered databases. The first one says which are taken. */
async function reserve (t: Test, url: string): Promise<string> {
  const redis = new Redis(url, { db: 0 })
  t.teardown(() => redis.disconnect())
  for (let number = 1; ; number = number % LAST_DATABASE + 1) {
    if (await redis.set(`test:taken:${number}`, process.pid, 'EX', RESERVED_SECONDS, 'NX')) {
      const clear = () => redis.multi().select(number).flushdb().select(0).exec()
      await clear()
      t.teardown(async () => {
        await clear()
        await redis.del(`test:taken:${number}`)
      })
      const reserved = new URL(url)
      reserved.pathname = `/${number}`
      return reserved.href
    }
    if (number === LAST_DATABASE) await sleep(100)
  }
}

/** A link that is up, closed with the test. */
export async function connectRedis (t: Test, urls: string[], log = silent): Promise<RedisLink> {
  const { link, dialled, close } = openRedis(urls, log)
  t.teardown(close)
  await dialled
  if (link.state() === 'down') throw new Error(`no Redis at ${urls.join()}`)
  return link
}
const silent = { info () {}, warn () {} }

/** A test that ends before its teardown leaves none behind. */
const living = new Set<ChildProcess>()
process.once('exit', () => { for (const child of living) child.kill('SIGKILL') })

export interface RedisServer {
  url: string
  port: number
  dir: string
  pid: () => number
  /** Ends it without a word. */
  kill: () => Promise<void>
  /** Starts it again on its port and files. */
  start: () => Promise<void>
}

/** A `redis-server` of the test's own, on 127.0.0.1, with its files in a folder that goes with the test. */
export async function startRedisServer (t: Test, ...flags: string[]): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'fms-redis-'))
  // A cluster's node listens 10,000 above as well: both below what the system hands out.
  let port = randomInt(10_000, 22_000)
  let child: ChildProcess | undefined
  const server: RedisServer = {
    get url () { return `redis://127.0.0.1:${port}` },
    get port () { return port },
    dir,
    pid: () => child!.pid!,
    async kill () {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise(resolve => child!.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
    async start () {
      child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', ...flags],
        { stdio: 'ignore' })
      const started = child
      living.add(started)
      started.once('exit', () => living.delete(started))
      let failure: Error | undefined
      child.once('error', error => { failure = error })
      for (const deadline = Date.now() + 20_000; !await answers(port, child.pid); await sleep(20)) {
        if (failure) throw failure
        if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
        if (Date.now() > deadline) throw new Error('redis-server did not answer within 20 s')
      }
    }
  }
  t.teardown(async () => {
    await server.kill()
    await rm(dir, { recursive: true, force: true })
  })
  for (let attempt = 1; ; attempt++) {
    try {
      await server.start()
      return server
    } catch (error) {
      if (attempt === 5) throw error
      // Another test may have the port.
      port = randomInt(10_000, 22_000)
    }
  }
}

/** A cluster of one node that holds every slot; its two URLs are two spellings of it, as a cluster's are several. */
export async function startRedisCluster (t: Test, ...flags: string[]) {
  const server = await startRedisServer(t, '--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', ...flags)
  const node = new Redis(server.url)
  // A test may kill it.
  node.on('error', () => {})
  t.teardown(() => node.disconnect())
  await node.cluster('ADDSLOTS', ...Array.from({ length: 16_384 }, (_, slot) => slot))
  while (!/cluster_state:ok/.test(String(await node.cluster('INFO')))) await sleep(20)
  return { server, urls: [server.url, server.url.replace('127.0.0.1', 'localhost')], flush: () => node.flushall() }
}

/** Whether it is this very process that answers there, with its files loaded. */
function answers (port: number, pid: number | undefined): Promise<boolean> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.write('INFO server\r\nPING\r\n'))
    const done = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.setTimeout(500, () => done(false))
    socket.on('data', data => {
      text += String(data)
      if (/^-NOAUTH/.test(text)) done(true)
      if (/^[+-](PONG|LOADING)/m.test(text)) done(text.includes('+PONG') && text.includes(`process_id:${pid}\r`))
    })
    socket.once('error', () => done(false))
  })
}
