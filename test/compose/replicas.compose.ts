/** Three replicas behind Caddy: clients of every era go anywhere, and a rolling restart loses none of their calls. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client as SseClient } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import t, { type Test } from 'tap'
import { createClient, describe, isWrong, latencies, startLoad, type Client } from '../faults/load.ts'
import { ERAS, toCall } from '../faults/eras.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { figure, quantile } from '../figures.ts'
import { needsTime } from './engine.ts'
import { startStack, type Stack } from './stack.ts'

const REPLICAS = ['app', 'app-2', 'app-3']
const MOST_RATE = 200
const SSE_CLIENTS = 6
const THROUGHPUT_SECONDS = 15
const CALLERS = 32
/** A call over HTTP+SSE whose answer was lost with its stream. */
const LOST_MS = 2000

const QUOTE = { name: 'get_quote', args: { symbols: ['AAPL'] } }

/** `fetch` that tells how many seconds each stream was gone until the next one stood. */
function watchStreams (send: typeof fetch, gaps: number[]): typeof fetch {
  let endedAt: number | undefined
  return async (input, options) => {
    const response = await send(input, options)
    if (!response.ok || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response
    if (endedAt !== undefined) gaps.push((performance.now() - endedAt) / 1000)
    endedAt = undefined
    const reader = response.body!.getReader()
    const body = new ReadableStream<Uint8Array>({
      async pull (controller) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
        if (value) controller.enqueue(value)
        if (!done) return
        endedAt = performance.now()
        controller.close()
      },
      cancel: reason => reader.cancel(reason)
    })
    return new Response(body, { status: response.status, headers: Object.fromEntries(response.headers) })
  }
}

/** Clients of HTTP+SSE that ask all the time; `gaps` are the seconds in which one had no stream. */
async function startStreams (t: Test, { url, token, fetch }: Stack) {
  const counts = { calls: 0, failed: 0, gaps: [] as number[] }
  const stopping = new AbortController()
  const clients = await Promise.all(Array.from({ length: SSE_CLIENTS }, async () => {
    const client = new SseClient({ name: 'load', version: '1' })
    const requestInit = { headers: { authorization: `Bearer ${token}` } }
    const sending = { requestInit, fetch: watchStreams(fetch, counts.gaps) }
    await client.connect(new SSEClientTransport(new URL(`${url}/mcp`), sending))
    // From now on it holds answers to the tool's schema.
    await client.listTools()
    t.teardown(() => client.close())
    return client
  }))
  const done = Promise.all(clients.map(async client => {
    while (!stopping.signal.aborted) {
      counts.calls++
      const call = client.callTool({ name: QUOTE.name, arguments: QUOTE.args }, undefined, { timeout: LOST_MS })
      if (!await call.then(({ isError }) => !isError, () => false)) counts.failed++
      await sleep(100, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }))
  return async () => {
    stopping.abort()
    await done
    return counts
  }
}

/** Restarts one after the other, each when the one before serves again. */
async function roll (t: Test, stack: Stack): Promise<void> {
  for (const replica of REPLICAS) {
    await stack.compose('restart', replica)
    const isHealthy = async () => (await stack.inspect(replica)).State.Health.Status === 'healthy'
    t.ok(await waitFor(isHealthy, 120_000), `${replica} is healthy again`)
  }
}

/** Calls a second that so many callers get, each asking again as soon as it is answered. */
async function throughputOf (client: Client, { url }: Stack, tokens: string[], seconds: number) {
  const until = performance.now() + seconds * 1000
  const counts = { calls: 0, wrong: 0 }
  await Promise.all(Array.from({ length: CALLERS }, async (_, i) => {
    while (performance.now() < until) {
      const result = await client.send(toCall({ url }, tokens[i % tokens.length]!, 'rest', QUOTE, 'rest'))
      counts.calls++
      if (isWrong(result)) counts.wrong++
    }
  }))
  return { ...counts, perSecond: counts.calls / seconds }
}

t.test('three replicas', { ...needsTime, timeout: 1_400_000 }, async t => {
  const stack = await startStack(t, ['compose.yaml', 'compose.scale.yaml'])
  const client = createClient(t, 256, stack.ca)
  const isServed = async () => (await stack.fetch(`${stack.url}/health/ready`)).status === 200
  const { url, token } = stack

  await t.test('the schema is made once, and each replica serves', async t => {
    for (const replica of REPLICAS) {
      t.ok(await waitFor(async () => (await stack.inspect(replica)).State.Health.Status === 'healthy', 120_000), replica)
      t.notMatch(await stack.logs(replica), /"level":[56]0/, `${replica} has no error in its log`)
    }
    t.equal((await Promise.all(REPLICAS.map(replica => stack.logs(replica)))).filter(log => log.includes('fmcp_st_')).length, 1)
  })

  // What waits in front of a machine that is too slow would be measured in the place of the servers.
  let rate = MOST_RATE
  await t.test('throughput at one, two and three replicas', async t => {
    const sessions = await Promise.all([1, 2, 3, 4].map(() => stack.fmcp('session', 'create', 'sample')))
    const tokens = (sessions as { access_token: string }[]).map(({ access_token: it }) => it)
    for (const count of [1, 2, 3]) {
      const upstreams = REPLICAS.slice(0, count).map(name => `${name}:3000`).join(' ')
      await stack.composeWith({ UPSTREAMS: upstreams }, 'up', '-d', '--no-build', '--no-deps', 'caddy')
      t.ok(await waitFor(() => isServed().catch(() => false), 60_000))
      await throughputOf(client, stack, tokens, THROUGHPUT_SECONDS / 3)
      const { perSecond, wrong } = await throughputOf(client, stack, tokens, THROUGHPUT_SECONDS)
      t.equal(wrong, 0, `${count}: none fails`)
      rate = Math.min(MOST_RATE, Math.floor(perSecond / 3))
      figure(t, { what: `throughput of ${count} replicas, ${CALLERS} callers`, value: perSecond, unit: 'calls/s' })
    }
    t.comment('The callers, Caddy, Postgres, Redis and the replicas share the cores of one machine: these are what limits.')
  })

  await t.test('requests of every era during a rolling restart', async t => {
    figure(t, { what: 'rolling restart: calls a second', value: rate, unit: 'calls/s' })
    const stopStreams = await startStreams(t, stack)
    const load = startLoad(client, rate, 900, i => toCall({ url }, token, ERAS[i % 3]!, QUOTE, ERAS[i % 3]!))
    await sleep(3000)
    const startedAt = performance.now()
    await roll(t, stack)
    t.comment(`the rolling restart took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
    await sleep(3000)
    const results = await load.stop()
    const streams = await stopStreams()
    for (const era of ERAS) {
      const mine = results.filter(({ kind }) => kind === era)
      const wrong = mine.filter(isWrong)
      if (wrong.length) t.comment(`${era}: ${describe(wrong)}: ${wrong[0]!.text.slice(0, 200)}`)
      figure(t, { what: `rolling restart: failed of ${mine.length} calls of ${era}`, value: wrong.length, unit: 'calls', most: 0 })
      figure(t, { what: `rolling restart: p99 of ${era}`, value: quantile(latencies(mine), 0.99), unit: 'ms' })
    }
    figure(t, { what: `rolling restart: lost of ${streams.calls} calls over HTTP+SSE`, value: streams.failed, unit: 'calls' })
    t.ok(streams.gaps.length >= SSE_CLIENTS, `the streams were opened again, ${streams.gaps.length} times`)
    const longest = Math.max(...streams.gaps)
    figure(t, { what: 'rolling restart: longest time that an HTTP+SSE client had no stream', value: longest, unit: 's', most: 5 })
  })

  await t.test('a replica that is killed loses what it was working on, and no more', async t => {
    const load = startLoad(client, 50, 300, () => toCall({ url }, token, 'rest', QUOTE, 'rest'))
    await sleep(2000)
    const { State: { Pid: pid } } = await stack.inspect('app-2')
    if (process.getuid?.() === 0) process.kill(pid, 'SIGKILL')
    else await stack.compose('kill', 'app-2')
    await sleep(5000)
    const results = await load.stop()
    const wrong = results.filter(isWrong)
    t.comment(describe(wrong))
    figure(t, { what: `a replica of three killed: failed of ${results.length} calls`, value: wrong.length, unit: 'calls', most: 0 })
    await stack.compose('start', 'app-2')
  })
})
