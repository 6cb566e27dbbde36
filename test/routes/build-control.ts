/** The whole server, seen by an admin; the test of a provider's key ends as the test wants it. */
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import type { TestResult } from '../../providers/router.ts'
import { build } from '../helper.ts'

/** Stands in every secret of the tests: no answer, log line or audit row may hold it. */
export const CANARY = 'test-canary-3f9a51'

export interface Control {
  app: FastifyInstance
  /** Sends a request as an admin, and JSON as its body. */
  call: (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: unknown) => Promise<LightMyRequestResponse>
  /** What the next tests of a key end with. */
  provider: { test: (connectionId: string, signal: AbortSignal) => Promise<TestResult> }
  /** All that was logged so far. */
  log: () => string
}

export interface Options {
  env?: Record<string, string>
  /** Another replica's database; default one of its own. */
  databaseUrl?: string
}

export async function buildControl (t: Test, { env = {}, databaseUrl }: Options = {}): Promise<Control> {
  const { app, logs } = await build(t, { LOG_LEVEL: 'trace', ...(databaseUrl && { DATABASE_URL: databaseUrl }), ...env })
  const provider: Control['provider'] = {
    test: async () => ({ status: 'ok', latency_ms: 12, message: 'The provider accepted the key.' })
  }
  app.providers.test = (connectionId, _settings, _name, signal) => provider.test(connectionId, signal)
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const call: Control['call'] = (method, url, body) => app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } }),
    ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) })
  })
  return { app, call, provider, log: () => logs.join('') }
}

/** Fails where the canary stands in an answer, a log line or the audit log. */
export async function assertNoCanary (
  t: Test, { app, log }: Control, responses: LightMyRequestResponse[]
): Promise<void> {
  const audited = JSON.stringify(await app.audit.list({ limit: 500 }))
  for (const [place, text] of Object.entries({
    responses: responses.map(({ body, headers }) => body + JSON.stringify(headers)).join(''), log: log(), audited
  })) t.notMatch(text, CANARY, `the secret is not in: ${place}`)
}
