/** The ways in which a provider can fail, and a fake one that does, in a process of its own: it may fill its memory. */
import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, createGzip, gzipSync } from 'node:zlib'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { answerAlpaca } from '../upstream/answers.ts'
import { sendJson } from '../upstream/index.ts'
import { TYPES } from '../fixtures/embedded.ts'

export type Misbehave = (request: IncomingMessage, response: ServerResponse) => unknown

export interface Mode {
  answer: Misbehave
  /** What the receipt may say of the provider; undefined: it answers all the same. */
  outcome: RegExp | undefined
}

const MB = 1024 * 1024
const HUGE_MB = 100
const html = '<html><body><h1>Sorry</h1></body></html>'

const refuse = (status: number, message: string, headers: Record<string, string> = {}): Misbehave =>
  (_, response) => sendJson(response, status, { message }, headers)
const page = (status: number): Misbehave => (_, response) =>
  response.writeHead(status, { 'content-type': 'text/html' }).end(html)
const usual = ({ url = '' }: IncomingMessage): unknown => {
  const { pathname, searchParams } = new URL(url, 'http://upstream')
  return answerAlpaca(pathname.replace(/^\/alpaca/, ''), searchParams)
}
const begin = (response: ServerResponse, headers: Record<string, string | number> = {}) =>
  response.writeHead(200, { 'content-type': 'application/json', ...headers })

let bomb: Promise<Buffer> | undefined
/** A hundred megabytes of white space in a hundred kilobytes. */
async function createBomb (): Promise<Buffer> {
  const gzip = createGzip({ level: constants.Z_BEST_COMPRESSION })
  const parts: Buffer[] = []
  gzip.on('data', (part: Buffer) => parts.push(part))
  await pipeline(Readable.from(Array.from({ length: HUGE_MB }, () => Buffer.alloc(MB, ' '))), gzip)
  return Buffer.concat(parts)
}

/** Long JSON, as fast as it is taken. */
async function pour (response: ServerResponse): Promise<void> {
  const chunk = Buffer.from('"0123456789abcdef",'.repeat(3400))
  begin(response).write('[')
  for (let sent = 0; sent < HUGE_MB * MB && !response.destroyed; sent += chunk.length) {
    if (!response.write(chunk)) {
      await new Promise<void>(resolve => {
        const done = () => {
          response.off('drain', done).off('close', done)
          resolve()
        }
        response.once('drain', done).once('close', done)
      })
    }
  }
  response.end('0]')
}

async function drip (response: ServerResponse, text: string): Promise<void> {
  begin(response)
  for (const character of text) {
    if (response.destroyed) return
    response.write(character)
    await sleep(1000)
  }
  response.end()
}

/** Each is of the first provider, Alpaca; the second is well. An open breaker says `unavailable` too. */
export const MODES: Record<string, Mode> = {
  401: { answer: refuse(401, 'unauthorized.'), outcome: /^rejected_key$/ },
  402: { answer: refuse(402, 'payment required'), outcome: /^not_entitled$/ },
  '403-plan': { answer: refuse(403, 'your subscription does not permit this'), outcome: /^not_entitled$/ },
  429: { answer: refuse(429, 'too many requests.', { 'retry-after': '1' }), outcome: /^quota$/ },
  '429-body200': {
    answer: (_, response) => sendJson(response, 200, { 'Error Message': 'Limit Reach.' }),
    outcome: /^(quota|malformed|symbol_not_found)$/
  },
  500: { answer: refuse(500, 'internal'), outcome: /^unavailable$/ },
  '502-html': { answer: page(502), outcome: /^unavailable$/ },
  '200-html': { answer: page(200), outcome: /^malformed$/ },
  empty: { answer: (_, response) => begin(response).end(), outcome: /^malformed$/ },
  wrongsymbol: {
    answer: (request, response) => sendJson(response, 200,
      JSON.parse(JSON.stringify(usual(request)).replace(/"[A-Z]{4}":/g, '"WRONG":'))),
    outcome: /^(malformed|symbol_not_found)$/
  },
  hang: { answer: () => {}, outcome: /^(timeout|unavailable)$/ },
  slow: {
    answer: (request, response) => { sleep(2000).then(() => sendJson(response, 200, usual(request))) },
    outcome: undefined
  },
  drip: {
    answer: (request, response) => { drip(response, JSON.stringify(usual(request))) },
    outcome: /^(timeout|unavailable)$/
  },
  reset: {
    answer: (_, response) => {
      begin(response, { 'content-length': 1000 }).write('{"half":')
      setTimeout(() => response.socket?.resetAndDestroy(), 20)
    },
    outcome: /^unavailable$/
  },
  truncate: {
    answer: (_, response) => {
      begin(response, { 'content-length': 1000 }).write('{"half":')
      setTimeout(() => response.socket?.end(), 20)
    },
    outcome: /^unavailable$/
  },
  badjson: { answer: (_, response) => begin(response).end('{"AAPL": {"latestTrade": '), outcome: /^malformed$/ },
  huge: { answer: (_, response) => { pour(response) }, outcome: /^malformed$/ },
  gzipbomb: {
    answer: (_, response) => {
      bomb ??= createBomb()
      bomb.then(body => begin(response, { 'content-encoding': 'gzip' }).end(body))
    },
    outcome: /^malformed$/
  },
  badgzip: {
    answer: (_, response) => begin(response, { 'content-encoding': 'gzip' }).end(gzipSync(html).subarray(0, 30).fill(7, 12)),
    outcome: /^(malformed|unavailable)$/
  },
  redirect: {
    answer: (_, response) => response.writeHead(302, { location: 'http://localhost:9/' }).end(),
    outcome: /^malformed$/
  }
}

export interface MisbehavingProvider {
  /** For the configuration. */
  env: Record<string, string>
  /** From now on it answers as it should. */
  recover: () => Promise<void>
}

/** All providers as they should be, but for Alpaca: a key that begins with a mode's name gets that. */
export async function startProvider (t: Test): Promise<MisbehavingProvider> {
  const script = join(import.meta.dirname, 'misbehaving-provider.ts')
  const child = spawn('sh', ['-c', 'unset NODE_OPTIONS; exec "$@"', 'sh', process.execPath, ...TYPES, script],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const lines = createInterface(child.stdout)
  const line = () => new Promise<string>(resolve => { lines.once('line', resolve) })
  const env = JSON.parse(await line()) as MisbehavingProvider['env']
  return {
    env,
    async recover () {
      const told = line()
      child.stdin.write('recover\n')
      await told
    }
  }
}
