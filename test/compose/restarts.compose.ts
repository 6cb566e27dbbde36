/** Each service is restarted, and killed, under load: what fails, for how long, and what is still there. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { between, createClient, describe, isWrong, startLoad, type Call, type Result } from '../faults/load.ts'
import { ERAS, toCall } from '../faults/eras.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { figure, pick } from '../figures.ts'
import { docker, needsEngine } from './engine.ts'
import { startStack, type Stack } from './stack.ts'

const RATE = 50
const SECONDS_AFTER = pick(10, 3)
const WAYS = pick(['restart', 'kill -9'], ['restart'])
const SERVICES = ['app', 'caddy', 'postgres', 'redis']
/** The server waits for them no longer than a call may take. */
const RECOVERY_SECONDS = 60

/** Ends the container's first process as a crash does: an engine that is asked to kill it would not start it again. */
async function crash (stack: Stack, service: string): Promise<void> {
  const { State: { Pid: pid } } = await stack.inspect(service)
  if (process.getuid?.() === 0) process.kill(pid, 'SIGKILL')
  else await docker('run', '--rm', '--privileged', '--pid', 'host', 'postgres:17-alpine', 'kill', '-9', String(pid))
}

/** Seconds between the first call that went wrong and the last. */
function outageOf (wrong: Result[]): number {
  const times = wrong.map(({ at }) => at)
  return wrong.length ? (Math.max(...times) - Math.min(...times)) / 1000 : 0
}

t.test('each service restarted and killed', { ...needsEngine, timeout: 1_400_000 }, async t => {
  const stack = await startStack(t, ['compose.yaml'])
  const { url, token, ca } = stack
  const client = createClient(t, 256, ca)
  const next = (i: number): Call => toCall({ url }, token, ERAS[i % 3]!, { name: 'get_quote', args: { symbols: ['AAPL'] } }, ERAS[i % 3]!)
  const ask = async (path: string) => (await client.send({ url: url + path, headers: { authorization: `Bearer ${token}` }, kind: 'ask' }))
  const isServed = async () => (await ask('/api/tools/get_quote?symbols=AAPL')).status === 200

  const { id: connection } = await stack.fmcp('connection', 'create', 'kept') as { id: string }
  const { session_id: session } = await stack.fmcp('session', 'create', 'kept') as { session_id: string }
  const profile = '/api/tools/get_company_profile?symbol=AAPL'
  t.match(JSON.parse((await ask(profile)).text), { meta: { cache: { hit: false } } })

  for (const service of SERVICES) {
    for (const way of WAYS) {
      const load = startLoad(client, RATE, 300, next)
      await sleep(2000)
      const startedAt = performance.now()
      if (way === 'restart') await stack.compose('restart', service)
      else await crash(stack, service)
      const isBack = await waitFor(isServed, RECOVERY_SECONDS * 1000)
      await sleep(SECONDS_AFTER * 1000)
      const results = await load.stop()
      t.ok(isBack, `${service}, ${way}: it is served again`)
      const wrong = results.filter(isWrong)
      const longest = Math.max(...results.filter(({ at }) => at >= startedAt - 1000).map(({ ms }) => ms)) / 1000
      t.comment(`${service}, ${way}: ${describe(wrong)}`)
      figure(t, { what: `${service}, ${way}: failed of ${results.length} calls`, value: wrong.length, unit: 'calls' })
      figure(t, { what: `${service}, ${way}: seconds in which calls failed`, value: outageOf(wrong), unit: 's', most: 30, timed: true })
      figure(t, { what: `${service}, ${way}: longest wait of a call`, value: longest, unit: 's' })
      const sentLast = between(results, Math.max(...results.map(({ at }) => at)) - 1000, Infinity)
      t.equal(sentLast.filter(isWrong).length, 0, `${service}, ${way}: the last second of it is whole`)
      if (service === 'redis') {
        // What memory holds would hide what Redis holds.
        await stack.compose('restart', 'app')
        t.ok(await waitFor(isServed, RECOVERY_SECONDS * 1000))
        t.match(JSON.parse((await ask(profile)).text), { meta: { cache: { hit: true } } }, 'the cache outlives Redis and the server')
      }
    }
  }

  t.equal((await ask('/api/whoami')).status, 200, 'the session is there')
  const connections = await stack.fmcp('connection', 'list') as { id: string, name: string }[]
  t.match(connections.find(({ id }) => id === connection), { name: 'kept' })
  const sessions = await stack.fmcp('session', 'list', 'kept') as { session_id: string }[]
  t.match(JSON.stringify(sessions), session)
})
