import Fastify, { LogController } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import errors from '../../plugins/errors.ts'
import overload from '../../plugins/overload.ts'
import { until } from './build-security.ts'

async function build (t: Test, config: { maxEventLoopDelayMs: number, maxMemoryBytes: number }) {
  const lines: string[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => { lines.push(line) } } }, logController: new LogController({ disableRequestLogging: true }) })
  t.teardown(() => app.close())
  await app.register(errors)
  await app.register(overload, { config, sampleMs: 100 })
  app.get('/call', async () => 'ok')
  app.get('/probe', { config: { unlimited: true } }, async () => 'ok')
  const ask = async (url: string) => (await app.inject(url)).statusCode
  return { app, ask, lines }
}

function block (ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

t.test('while the event loop is late requests are turned away, probes are not, and then it is over', async t => {
  const { app, ask, lines } = await build(t, { maxEventLoopDelayMs: 60, maxMemoryBytes: 0 })
  t.equal(await ask('/call'), 200)
  block(300)
  await sleep(1)
  t.equal(await ask('/call'), 200, 'one pause is no overload')
  let refused
  for (let n = 0; n < 40 && refused?.statusCode !== 503; n += 1) {
    block(200)
    await sleep(1)
    refused = await app.inject('/call')
  }
  t.equal(refused?.statusCode, 503)
  t.equal(refused?.headers['retry-after'], '5')
  t.match(refused?.json(), { code: 'FMS_OVERLOADED', retry_after_seconds: 5 })
  t.equal(await ask('/probe'), 200)
  await until(async () => await ask('/call') === 200)
  const said = lines.filter(line => line.includes('overloaded')).length
  t.ok(said <= 2, 'once when it begins and once when it ends')
})

t.test('a process that is too large turns requests away, and says so once', async t => {
  const { ask, lines } = await build(t, { maxEventLoopDelayMs: 0, maxMemoryBytes: 1 })
  await until(async () => await ask('/call') === 503)
  t.equal(await ask('/probe'), 200)
  for (let n = 0; n < 20; n += 1) await ask('/call')
  await until(() => lines.length > 0)
  t.equal(lines.length, 1)
  t.match(lines[0], /the server is overloaded/)
})

t.test('without limits nothing is measured', async t => {
  const { app, ask } = await build(t, { maxEventLoopDelayMs: 0, maxMemoryBytes: 0 })
  t.notOk(app.hasDecorator('isUnderPressure'))
  t.equal(await ask('/call'), 200)
})
