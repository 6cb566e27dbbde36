/** A real server that is abused in every way that HTTP allows, beside clients that do nothing wrong. */
import { connect, type Socket } from 'node:net'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createDatabase } from '../database.ts'
import { createClient, describe, latencies, startLoad, type Result } from '../faults/load.ts'
import { rest, startWorld, type Replica } from '../faults/world.ts'
import { figure, pick, quantile } from '../figures.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { buildOnce } from '../server/process.ts'
import { createAbuses } from './abuses.ts'
import { startGoodClient } from './good-client.ts'
import { isRefused, sendRaw, toRequest } from './raw.ts'

const SLOW = pick(1000, 200)
const PIPELINED = 1000
const GOOD_PER_SECOND = pick(50, 20)
const WARM_UP_SECONDS = pick(10, 4)
/** The server's own limits, and how often it looks. */
const HEADERS_MS = 15_000
const REQUEST_MS = 30_000
const CHECK_MS = 5_000
/** For a machine that is busy. */
const SLACK_MS = 5_000

buildOnce()

const portOf = ({ url }: Replica) => Number(new URL(url).port)
const socketsOf = ({ pid }: Replica) => readdirSync(`/proc/${pid}/fd`).length

t.test('whatever is sent', { timeout: 600_000 }, async t => {
  const env = { DATABASE_URL: await createDatabase(t) }
  const { replicas: [replica], sample } = await startWorld(t, { env, replicas: 1 })
  const [token = '', good = ''] = await sample(2)
  const port = portOf(replica!)
  const host = `localhost:${port}`
  const client = createClient(t)
  const next = () => rest(replica!, good, 'get_quote?symbols=AAPL', 'good')
  await startLoad(client, GOOD_PER_SECOND, WARM_UP_SECONDS, next).done

  const before = { memory: replica!.memoryMb(), sockets: socketsOf(replica!), logs: replica!.logs().length }
  let memory = 0
  const watch = setInterval(() => { memory = Math.max(memory, replica!.memoryMb()) }, 100)
  t.teardown(() => clearInterval(watch))
  const load = startGoodClient(t, next(), GOOD_PER_SECOND)
  await waitFor(() => load.results.length > 0, 30_000)
  let noted = 0
  const note = (what: string) => {
    const since = load.results.slice(noted)
    noted = load.results.length
    const p99 = since.length ? quantile(latencies(since), 0.99).toFixed(0) : '-'
    t.comment(`after ${what}: ${replica!.memoryMb().toFixed(0)} MB, ${memory.toFixed(0)} at most; p99 ${p99} ms`)
  }

  await t.test('abuses are refused one by one', async t => {
    const abuses = createAbuses(host, token)
    let taken = 0
    for (const { name, parts, smuggles } of abuses) {
      const answered = await sendRaw(port, parts())
      const isFine = isRefused(answered) && answered.closed && (!smuggles || answered.statuses.length <= 1)
      if (!isFine) {
        taken++
        t.comment(`${name}: ${answered.statuses.join(' ') || 'no answer'}${answered.closed ? '' : ', left open'}: ${answered.text.slice(0, 300)}`)
      }
    }
    figure(t, { what: `abuses of ${abuses.length} that were not refused`, value: taken, most: 0 })
  })

  note('the abuses')
  await t.test('requests in a row over one connection are answered each, in order', async t => {
    for (const authorization of [`Bearer ${token}`, 'Bearer nobody']) {
      const request = (i: number) => toRequest('GET /api/tools/get_quote?symbols=' + (i % 2 ? 'AAPL' : 'A~'), { Host: host, authorization })
      const all = Array.from({ length: PIPELINED }, (_, i) => request(i)).join('')
      const { statuses } = await sendRaw(port, [all], { ms: 60_000, answers: PIPELINED })
      const expected = (i: number) => authorization === 'Bearer nobody' ? [401, 429] : i % 2 ? [200] : [400]
      t.equal(statuses.length, PIPELINED)
      t.same(statuses.filter((status, i) => !expected(i).includes(status)), [])
    }
  })

  note('the rows')
  await t.test('who is slow is let go', { timeout: 300_000 }, async t => {
    const open = `POST /api/login HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`
    const body = `${open}Content-Length: 60000\r\n\r\n{"name":"`
    const slow = {
      headers: openSlowly(t, port, SLOW, open, 'X-A: b\r\n'),
      nothing: openSlowly(t, port, SLOW, '', ''),
      body: openSlowly(t, port, SLOW, body + 'a'.repeat(59_000), 'a'),
      // It is answered with a stream of bytes, none of which is taken.
      answer: openSlowly(t, port, pick(100, 50), toRequest('GET /openapi.json', { Host: host }).repeat(50), '')
    }
    const opened = performance.now()
    const isOpen = ({ destroyed, readableEnded }: Socket) => !destroyed && !readableEnded
    const left = (sockets: Socket[]) => sockets.filter(isOpen).length
    const wait = async (what: string, sockets: Socket[], ms: number) => {
      await waitFor(() => left(sockets) === 0, opened + ms + CHECK_MS + SLACK_MS - performance.now())
      figure(t, { what: `${sockets.length} connections that ${what}: still open after ${(ms + CHECK_MS) / 1000} s`, value: left(sockets), most: 0 })
    }
    await wait('drip headers', slow.headers, HEADERS_MS)
    await wait('send nothing', slow.nothing, HEADERS_MS)
    await wait('drip a body', slow.body, REQUEST_MS)
    for (const socket of slow.answer) socket.destroy()
  })

  note('the slow')
  await t.test('a health probe is answered after all of it', async t => {
    const { status } = await fetch(`${replica!.url}/health/ready`)
    t.equal(status, 200)
    t.ok(await waitFor(() => socketsOf(replica!) <= before.sockets + 300, 10_000), 'its sockets are closed')
  })

  await sleep(1000)
  const results = await load.stop()
  clearInterval(watch)
  const failed = results.filter(({ status }: Result) => status !== 200)
  t.comment(`memory ${before.memory.toFixed(0)} MB before, ${memory.toFixed(0)} MB at most; failures: ${describe(failed)}`)
  figure(t, { what: `abuse: failures of ${results.length} good calls meanwhile`, value: failed.length, most: 0 })
  figure(t, { what: 'abuse: p99 of good calls meanwhile', value: quantile(latencies(results), 0.99), unit: 'ms', most: 200, timed: true })
  figure(t, { what: 'abuse: more memory', value: memory - before.memory, unit: 'MB', most: 100 })
  const errors = replica!.logs().slice(before.logs).filter(line => JSON.parse(line).level >= 50)
  t.same(errors, [], 'no request is an error of the server')
})

/** Connections that send this much at once, and then a drip a second; none of them reads. */
function openSlowly (t: Test, port: number, count: number, first: string, drip: string): Socket[] {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1', () => { if (first) socket.write(first) })
    socket.on('error', () => {})
    // Seen to end only where it is read.
    if (drip || !first) socket.resume()
    else socket.pause()
    return socket
  })
  const timer = setInterval(() => {
    for (const socket of sockets) if (drip && socket.writable) socket.write(drip)
  }, 1000)
  t.teardown(() => {
    clearInterval(timer)
    for (const socket of sockets) socket.destroy()
  })
  return sockets
}
