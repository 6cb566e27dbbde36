/** The four providers, as far as the tests of the whole server need them: made-up answers in their own shapes. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { answerAlpaca, answerFinnhub, answerFmp, answerPolygon } from './answers.ts'

export type UpstreamName = 'alpaca' | 'polygon' | 'fmp' | 'finnhub'
/** False: the request is answered as usual. */
type Fault = (request: IncomingMessage, response: ServerResponse) => unknown

export interface Upstream {
  /** For the configuration: ALPACA_DATA_URL and so on. */
  env: Record<string, string>
  /** What was asked, in order. */
  requests: { provider: UpstreamName, path: string, query: URLSearchParams, headers: IncomingMessage['headers'] }[]
  /** Requests whose client went away before the answer. */
  aborted: () => number
  /** Answers a provider's requests in its stead, until cleared with undefined. */
  fault: (provider: UpstreamName, fault: Fault | undefined) => void
}

const ANSWERS: Record<UpstreamName, (path: string, query: URLSearchParams) => unknown> = {
  alpaca: answerAlpaca, polygon: answerPolygon, fmp: answerFmp, finnhub: answerFinnhub
}

/** Starts the providers on 127.0.0.1; they end with the test. */
export async function startUpstream (t: Pick<Test, 'teardown'>): Promise<Upstream> {
  const faults = new Map<UpstreamName, Fault>()
  const requests: Upstream['requests'] = []
  let aborted = 0
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://upstream')
    const [, provider, ...rest] = url.pathname.split('/') as [string, UpstreamName, ...string[]]
    const path = `/${rest.join('/')}`
    requests.push({ provider, path, query: url.searchParams, headers: request.headers })
    response.once('close', () => { if (!response.writableFinished) aborted++ })
    const fault = faults.get(provider)
    if (fault && fault(request, response) !== false) return
    const answer = ANSWERS[provider](path, url.searchParams)
    sendJson(response, answer === undefined ? 404 : 200, answer ?? { message: 'no such path' })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  }))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    env: {
      ALPACA_DATA_URL: `${base}/alpaca`, ALPACA_TRADING_URL: `${base}/alpaca`, POLYGON_URL: `${base}/polygon`, FMP_URL: `${base}/fmp`, FINNHUB_URL: `${base}/finnhub`
    },
    requests,
    aborted: () => aborted,
    fault: (provider, fault) => { if (fault) faults.set(provider, fault); else faults.delete(provider) }
  }
}

export function sendJson (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {}
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
