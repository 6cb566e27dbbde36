import Fastify from 'fastify'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { test, type Test } from 'tap'
import health from '../../plugins/health.ts'
import redis, { openRedis, RedisDown, type RedisLink } from '../../plugins/redis.ts'
import { needsRedisServer, startRedisCluster, startRedisServer, type RedisServer } from '../redis.ts'

/** Far above what it takes, for a machine that does other things as well. */
const PATIENCE_MS = 20_000
const AWAY = 'Redis does not answer; the server goes on without it'
const BACK = 'Redis answers again'

/** A link, its log lines with all that they hold, and how it is closed. */
function open (t: Test, urls: string[]) {
  const lines: string[] = []
  const all: string[] = []
  const write = (fields: object | string, message?: string) => {
    lines.push(message ?? String(fields))
    all.push(JSON.stringify(fields))
  }
  const opened = openRedis(urls, { info: write, warn: write })
  t.teardown(opened.close)
  return { ...opened, lines, all }
}

async function until (condition: () => boolean | Promise<boolean>, what: string): Promise<number> {
  const startedAt = performance.now()
  while (!await condition()) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`${what} did not happen within ${PATIENCE_MS} ms`)
    await sleep(5)
  }
  return performance.now() - startedAt
}
const untilState = (link: RedisLink, state: string) => until(() => link.state() === state, `state ${state}`)

async function timeRun (link: RedisLink): Promise<{ ms: number, error: unknown }> {
  const startedAt = performance.now()
  const error = await link.run(redis => redis.get('k')).then(() => undefined, (error: unknown) => error)
  return { ms: performance.now() - startedAt, error }
}

async function assertFailsAtOnce (t: Test, link: RedisLink): Promise<void> {
  const runs = []
  for (let i = 0; i < 21; i++) runs.push(await timeRun(link))
  t.ok(runs.every(({ error }) => error instanceof RedisDown))
  const median = runs.map(({ ms }) => ms).sort((a, b) => a - b)[10]!
  t.ok(median < 5, `${median} ms`)
}

/** One Redis, and one that is a cluster: what follows holds for both. */
const KINDS: { name: string, start: (t: Test) => Promise<{ server: RedisServer, urls: string[] }> }[] = [
  { name: 'Redis', start: async t => { const server = await startRedisServer(t); return { server, urls: [server.url] } } },
  { name: 'a cluster', start: startRedisCluster }
]

for (const { name, start } of KINDS) {
  test(`${name} that is away at the start is found when it comes, and leaves one line each way`, needsRedisServer, async t => {
    const { server, urls } = await start(t)
    await server.kill()
    const { link, dialled, lines } = open(t, urls)
    await dialled
    t.equal(link.state(), 'down')
    await assertFailsAtOnce(t, link)
    await sleep(1000)
    t.same(lines, [AWAY])
    await server.start()
    await untilState(link, 'ok')
    t.equal(await link.run(redis => redis.set('k', 'v')), 'OK')
    t.equal(link.nodes().length, 1)
    t.same(lines, [AWAY, BACK])
  })

  test(`${name} that is killed is down at once, for those who wait as well, and up when it is back`, needsRedisServer, async t => {
    const { server, urls } = await start(t)
    const { link, dialled, lines } = open(t, urls)
    await dialled
    t.equal(link.state(), 'ok')
    process.kill(server.pid(), 'SIGSTOP')
    const waiting = Promise.all(Array.from({ length: 5 }, () => timeRun(link)))
    await server.kill()
    for (const { error } of await waiting) t.ok(error instanceof RedisDown)
    await untilState(link, 'down')
    await assertFailsAtOnce(t, link)
    await sleep(1000)
    t.same(lines, [AWAY])
    await server.start()
    t.comment(`up ${Math.round(await untilState(link, 'ok'))} ms after it answers`)
    t.same(lines, [AWAY, BACK])
    t.equal(await link.run(redis => redis.set('k', 'v')), 'OK')
  })

  test(`${name} that goes silent costs a call 250 ms, then none, until it answers`, needsRedisServer, async t => {
    const { server, urls } = await start(t)
    const { link, dialled, lines } = open(t, urls)
    await dialled
    t.teardown(() => { try { process.kill(server.pid(), 'SIGCONT') } catch {} })
    process.kill(server.pid(), 'SIGSTOP')
    const startedAt = performance.now()
    const slowest: number[] = []
    while (link.state() === 'ok' && performance.now() - startedAt < PATIENCE_MS) {
      const runs = await Promise.all(Array.from({ length: 10 }, () => timeRun(link)))
      t.ok(runs.every(({ error }) => error instanceof RedisDown))
      slowest.push(Math.max(...runs.map(({ ms }) => ms)))
      // Those that fail at once would leave the probe no turn.
      await sleep(1)
    }
    const downAfter = performance.now() - startedAt
    t.comment(`down after ${Math.round(downAfter)} ms; slowest calls ${slowest.map(Math.round).join(', ')} ms`)
    t.ok(Math.max(...slowest) < 1500, `slowest ${Math.max(...slowest)} ms`)
    t.ok(downAfter < 5000, `down after ${downAfter} ms`)
    await assertFailsAtOnce(t, link)
    await sleep(1500)
    t.equal(link.state(), 'down')
    t.same(lines, [AWAY], 'dialling it in vain says nothing')
    process.kill(server.pid(), 'SIGCONT')
    t.comment(`up ${Math.round(await untilState(link, 'ok'))} ms after it goes on`)
    t.equal(await link.run(redis => redis.set('k', 'v')), 'OK')
    t.same(lines, [AWAY, BACK])
  })

  test(`the password of ${name} stands in no line and no error`, needsRedisServer, async t => {
    const { server, urls } = await start(t)
    const node = new Redis(server.url)
    t.teardown(() => node.disconnect())
    await node.config('SET', 'requirepass', 'right-pass-1')
    const withPassword = (password: string) => urls.map(url => url.replace('redis://', `redis://:${password}@`))
    const right = open(t, withPassword('right-pass-1'))
    await right.dialled
    t.equal(right.link.state(), 'ok')
    const error = await right.link.run(redis => redis.call('AUTH', 'other-pass-2')).catch((error: unknown) => error)
    t.match(error, { name: 'ReplyError', message: /WRONGPASS/ })
    t.notMatch(JSON.stringify(error), 'other-pass-2')

    const wrong = open(t, withPassword('wrong-pass-3'))
    await wrong.dialled
    await sleep(500)
    t.equal(wrong.link.state(), 'down')
    t.same(wrong.lines, [AWAY])
    t.notMatch(wrong.all.join(), /wrong-pass-3|right-pass-1/)
  })

  test(`closing the link to ${name} leaves nothing open`, needsRedisServer, async t => {
    const sockets = () => process.getActiveResourcesInfo().filter(resource => /TCP(Socket|Connect)Wrap/.test(resource)).length
    const { server, urls } = await start(t)
    // A cluster's own connection of the test stays.
    await sleep(200)
    const before = sockets()
    const up = open(t, urls)
    await up.dialled
    await up.link.run(redis => redis.get('k'))
    await up.close()
    t.equal(up.link.state(), 'down')
    await until(() => sockets() <= before, 'the end of an open link')
    t.same(up.lines, [], 'without a word')

    process.kill(server.pid(), 'SIGSTOP')
    const silent = open(t, urls)
    await silent.dialled
    await silent.close()
    await until(() => sockets() <= before, 'the end of one that dials')
    process.kill(server.pid(), 'SIGCONT')
    await sleep(500)
    t.equal(silent.link.state(), 'down')
  })
}

test('a listener that accepts and never answers does not hold up the start', async t => {
  const sockets = new Set<Socket>()
  const server = createServer(socket => { sockets.add(socket.on('error', () => {})) })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => { server.close(); for (const socket of sockets) socket.destroy() })
  const { link, dialled, lines } = open(t, [`redis://127.0.0.1:${(server.address() as AddressInfo).port}`])
  const startedAt = performance.now()
  await dialled
  t.ok(performance.now() - startedAt < 5000)
  await assertFailsAtOnce(t, link)
  await until(() => sockets.size >= 3, 'a third attempt')
  t.same(lines, [AWAY])
})

test('one late answer is not a loss where the node answers the next question', needsRedisServer, async t => {
  const { url } = await startRedisServer(t)
  const { link, dialled, lines } = open(t, [url])
  await dialled
  await t.rejects(link.run(() => Promise.reject(new Error('Command timed out'))), RedisDown)
  await sleep(500)
  t.equal(link.state(), 'ok')
  t.same(lines, [])
})

test('what Redis refuses, and what goes wrong in a task, is handed on', needsRedisServer, async t => {
  const { url } = await startRedisServer(t)
  const { link, dialled } = open(t, [url])
  await dialled
  await t.rejects(link.run(redis => redis.call('NONSENSE', 'value')), { name: 'ReplyError', message: /unknown command/ })
  await t.rejects(link.run(() => { throw new TypeError('mine') }), TypeError)
  // A rate limiter refuses with an object that is no error.
  const refusal: unknown = { msBeforeNext: 5 }
  t.equal(await link.run(() => Promise.reject(refusal)).catch((error: unknown) => error), refusal)
  t.equal(link.state(), 'ok')
})

test('a cluster that has lost the node of a key is down until it has one', needsRedisServer, async t => {
  const { server, urls } = await startRedisCluster(t)
  const { link, dialled, lines } = open(t, urls)
  await dialled
  const node = new Redis(server.url)
  t.teardown(() => node.disconnect())
  await node.cluster('DELSLOTS', 1)
  await until(async () => (await timeRun(link)).error instanceof RedisDown, 'the refusal')
  await sleep(500)
  t.equal(link.state(), 'down')
  await node.cluster('ADDSLOTS', 1)
  await untilState(link, 'ok')
  t.same(lines, [AWAY, BACK])
})

test('the plugin is null without a URL, and tells its health with one', needsRedisServer, async t => {
  const without = Fastify()
  await without.register(health).register(redis, { config: { redisUrls: [] } })
  t.equal(without.redis, null)
  t.same(without.health.read(), {})

  const server = await startRedisServer(t)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(health).register(redis, { config: { redisUrls: [server.url] } })
  t.same(app.health.read(), { redis: 'ok' }, 'dialled before the server starts')
  await server.kill()
  await until(() => app.health.read()['redis'] === 'down', 'down')
})
