import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Agent } from 'undici'

export interface Call {
  url: string
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
  /** What the results are told apart by. */
  kind: string
}

export interface Result {
  kind: string
  /** When it was due, on `performance.now()`'s clock. */
  at: number
  /** From when it was due to the end of its answer, in milliseconds: a sender that is late hides nothing. */
  ms: number
  /** 0: there was no answer. */
  status: number
  /** The body, or what went wrong where there was no answer. */
  text: string
}

/** Sends, over as many connections as it takes, and never throws. */
export interface Client {
  send: (call: Call, dueAt?: number) => Promise<Result>
}

/** @param ca the authority to trust, where the server speaks TLS */
export function createClient (t: Pick<Test, 'teardown'>, connections = 256, ca?: string): Client {
  const connect = ca === undefined ? {} : { ca }
  const agent = new Agent({ connections, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000, connect })
  t.teardown(() => agent.destroy())
  return {
    async send ({ url, method = 'GET', headers = {}, body, kind }, dueAt = performance.now()) {
      const { origin, pathname, search } = new URL(url)
      const done = (status: number, text: string) => ({ kind, at: dueAt, ms: performance.now() - dueAt, status, text })
      try {
        const path = pathname + search
        const response = await agent.request({ origin, path, method, headers, ...(body !== undefined && { body }) })
        return done(response.statusCode, await response.body.text())
      } catch (error) {
        return done(0, error instanceof Error ? `${error.name}: ${error.message}` : String(error))
      }
    }
  }
}

export interface Load {
  /** In the order in which they ended. */
  results: Result[]
  /** Resolves when the last has its answer. */
  done: Promise<Result[]>
  /** Sends no more, and waits for what is under way. */
  stop: () => Promise<Result[]>
}

/** Sends calls at a steady rate, whether the ones before were answered or not. */
export function startLoad (client: Client, rate: number, seconds: number, next: (i: number) => Call): Load {
  const results: Result[] = []
  const stopping = new AbortController()
  const run = async () => {
    const startedAt = performance.now()
    const total = Math.round(rate * seconds)
    const pending = new Set<Promise<void>>()
    for (let i = 0; i < total && !stopping.signal.aborted; i++) {
      const dueAt = startedAt + i * 1000 / rate
      const early = dueAt - performance.now()
      if (early > 1) await sleep(early, undefined, { signal: stopping.signal }).catch(() => {})
      const sent = client.send(next(i), dueAt).then(result => {
        results.push(result)
        pending.delete(sent)
      })
      pending.add(sent)
    }
    await Promise.all(pending)
    return results
  }
  const done = run()
  return {
    results,
    done,
    stop () {
      stopping.abort()
      return done
    }
  }
}

export const between = (results: readonly Result[], from: number, to: number) =>
  results.filter(({ at }) => at >= from && at < to)
export const latencies = (results: readonly Result[]) => results.map(({ ms }) => ms)
/** Neither an answer nor a refusal is good, also where the refusal is inside of a message. */
export const isWrong = ({ status, text }: Result) => status !== 200 || /"isError":true/.test(text)
export const isServerError = ({ status }: Result) => status === 0 || status >= 500

/** The failures by what they were, for a test's log. */
export function describe (results: readonly Result[]): string {
  const counts: Record<string, number> = {}
  for (const { kind, status, text } of results) {
    const code = /"code":"(\w+)"/.exec(text)?.[1] ?? (status === 0 ? text : '')
    const name = `${kind} ${status} ${code}`
    counts[name] = (counts[name] ?? 0) + 1
  }
  return Object.entries(counts).map(([name, count]) => `${count} × ${name}`).join(', ') || 'none'
}
