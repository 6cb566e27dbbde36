/** Rotation under load, and how soon a revocation ends what runs, over two replicas of the built server. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { NewSession } from '../../schemas/sessions.ts'
import { parseToken } from '../../tokens/token.ts'
import { createDatabase } from '../database.ts'
import { createClient, describe, startLoad, type Call } from '../faults/load.ts'
import { rest, startWorld, symbolOf, type World } from '../faults/world.ts'
import { figure, pick } from '../figures.ts'
import { ask, buildOnce } from '../server/process.ts'
import { startUpstream } from '../upstream/index.ts'

const RATE = pick(300, 60)
const GRACE_SECONDS = 5
const ROUNDS = pick(10, 3)

buildOnce()

async function start (t: Test) {
  const upstream = await startUpstream(t)
  const world = await startWorld(t, {
    env: {
      ...upstream.env,
      DATABASE_URL: await createDatabase(t),
      PROVIDER_DEADLINE_SECONDS: '50',
      CALL_DEADLINE_SECONDS: '55'
    }
  })
  return { upstream, ...world }
}

const idOf = (token: string) => parseToken(token)!.id
const manage = (world: World, path: string, method: string, body?: unknown) =>
  ask(world.replicas[0]!, world.admin, path, method, body)

t.test('a rotation under load loses no request, and the former token ends with its grace', async t => {
  const world = await start(t)
  const { replicas, connect } = world
  const { tokens: [former = ''] } = await connect({ keys: ['alpaca'] })
  const client = createClient(t)
  let current = former
  const whoami = (i: number, token: string, kind: string): Call =>
    ({ url: `${replicas[i % 2]!.url}/api/whoami`, headers: { authorization: `Bearer ${token}` }, kind })
  const load = startLoad(client, RATE, 60, i => i % 4 < 2 ? whoami(i, former, 'former') : whoami(i, current, 'current'))
  await sleep(2000)
  const { status, body } = await manage(world, `/api/sessions/${idOf(former)}/rotate`, 'POST', { grace_seconds: GRACE_SECONDS })
  t.equal(status, 200)
  const { access_token: token, previous_expires_at: end } = body as NewSession
  current = token
  const graceEnd = performance.now() + Date.parse(end ?? '') - Date.now()
  await sleep(graceEnd - performance.now() + 4000)
  const results = await load.stop()
  // What was answered before the end, whenever it was due; the clocks of one machine are one.
  const within = results.filter(({ kind, at, ms }) => kind === 'current' || at + ms < graceEnd)
  const failed = within.filter(result => result.status !== 200)
  const late = results.filter(({ kind, at }) => kind === 'former' && at > graceEnd + 1000)
  t.comment(`${results.length} requests, ${late.length} of the former token later than 1 s after its end; failed: ${describe(failed)}`)
  t.ok(late.length > RATE / 2)
  // Bad tokens of one address are put off after 300 in a minute.
  t.same(late.filter(result => ![200, 401, 429].includes(result.status)), [])
  figure(t, { what: `rotation under ${RATE} requests/s: failures`, value: failed.length, most: 0 })
  figure(t, { what: 'former token later than 1 s after its grace: taken', value: late.filter(result => result.status === 200).length, most: 0 })
})

t.test('a revocation ends what runs at the other replica', async t => {
  const world = await start(t)
  const { replicas: [, other], connect, upstream } = world
  const took = { token: [] as number[], stream: [] as number[], call: [] as number[] }
  const { tokens } = await connect({ keys: ['alpaca'], sessions: ROUNDS })
  upstream.fault('alpaca', () => {})
  for (const [round, token] of tokens.entries()) {
    const headers = { authorization: `Bearer ${token}` }
    const stream = await fetch(`${other!.url}/mcp`, { headers: { ...headers, accept: 'text/event-stream' } })
    const reader = stream.body!.getReader()
    const asked = upstream.requests.length
    const client = createClient(t)
    const call = client.send(rest(other!, token, `get_quote?symbols=${symbolOf(round)}`, 'call'))
    while (upstream.requests.length === asked) await sleep(5)
    const revoked = manage(world, `/api/sessions/${idOf(token)}`, 'DELETE')
    const ended = (async () => {
      for (let isOver = false; !isOver;) isOver = await reader.read().then(({ done }) => done, () => true)
      return performance.now()
    })()
    t.equal((await revoked).status, 204)
    const revokedAt = performance.now()
    while ((await ask(other!, token, '/api/whoami')).status !== 401) await sleep(5)
    took.token.push(performance.now() - revokedAt)
    took.stream.push(Math.max(0, await ended - revokedAt))
    const { at, ms, status, text } = await call
    took.call.push(Math.max(0, at + ms - revokedAt))
    t.match({ status, text }, { status: 401, text: /FMS_UNAUTHENTICATED/ })
  }
  const worst = (values: number[]) => Math.max(...values)
  const what = { token: 'token refused', stream: 'stream ended', call: 'call in flight ended' }
  for (const name of ['token', 'stream', 'call'] as const) {
    figure(t, {
      what: `revocation at the other replica: ${what[name]}, worst of ${ROUNDS}`, value: worst(took[name]), unit: 'ms', most: 1000, timed: true
    })
  }
})
