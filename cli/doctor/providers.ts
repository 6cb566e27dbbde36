import type { FastifyInstance } from 'fastify'
import { request } from 'undici'
import type { Config } from '../../config.ts'
import { PROVIDERS } from '../../providers/index.ts'
import { endpointsOf } from '../../providers/stored-endpoints.ts'
import type { Connection } from '../../schemas/control.ts'
import { by } from '../context.ts'
import { fail, judgeClock, ok, reasonOf, warn, type Finding } from './finding.ts'

/** How long an accepted key is taken as such, unasked. */
const KNOWN_MS = 10 * 60_000
const KEY_MS = 20_000
const DATE_MS = 5_000

interface StoredKey {
  connection: Connection
  credential: Connection['credentials'][number]
}

/**
 * Tests every stored key, one request each, and a key that several connections hold once; what was accepted within ten
 * minutes is not asked again. Compares the clock with that of a provider, without a key.
 */
export async function checkProviders (app: FastifyInstance, config: Config): Promise<Finding[]> {
  const keys = distinct((await app.connections.list())
    .flatMap(connection => connection.credentials.map(credential => ({ connection, credential }))))
  if (keys.length === 0) {
    return [warn('providers', 'No connection has a provider key, so only Alpaca\'s crypto data and the sample answer. ' +
      'Store one: fmcp credential set <connection> <provider>.')]
  }
  const findings: Finding[] = []
  for (const key of keys) findings.push(await checkKey(app, key))
  return [...findings, await checkDate(keys[0]!, config)]
}

function distinct (keys: StoredKey[]): StoredKey[] {
  const known = new Map<string, StoredKey>()
  for (const key of keys) {
    const { connection: { settings }, credential: { provider, fingerprint } } = key
    const id = `${provider} ${fingerprint} ${endpointsOf(provider, settings)}`
    if (!known.has(id)) known.set(id, key)
  }
  return [...known.values()]
}

async function checkKey (app: FastifyInstance, { connection, credential }: StoredKey): Promise<Finding> {
  const { provider, test_status: status, tested_at: testedAt } = credential
  const check = `${provider} of "${connection.name}"`
  if (status === 'ok' && testedAt && Date.now() - Date.parse(testedAt) < KNOWN_MS) {
    return ok(check, `The key was accepted at ${testedAt}; it is not asked again within ten minutes.`)
  }
  const test = await app.connections.testCredential(connection.id, provider, by, AbortSignal.timeout(KEY_MS))
    .catch((error: unknown) => ({ status: 'failed', message: `${reasonOf(error)}.`, latency_ms: 0 }))
  if (test.status === 'ok') return ok(check, `${test.message} (${test.latency_ms} ms)`)
  // The key is good, and its plan has no more, or not this: nothing is wrong here.
  const isOfPlan = test.status === 'FMS_PROVIDER_QUOTA' || test.status === 'FMS_PROVIDER_NOT_ENTITLED'
  return (isOfPlan ? warn : fail)(check, test.message)
}

/** Of the provider itself, whatever the connection puts in its place. */
async function checkDate ({ connection, credential }: StoredKey, { providerUrls }: Config): Promise<Finding> {
  const { provider: name } = credential
  const check = `clock of ${name}`
  const { main: base = '' } = PROVIDERS[name].baseUrls(providerUrls, connection.settings)
  try {
    const { headers, body } = await request(base, { method: 'HEAD', signal: AbortSignal.timeout(DATE_MS) })
    await body.dump()
    const told = Date.parse(String(headers['date']))
    if (Number.isNaN(told)) return warn(check, `${name} does not say what time it is.`)
    // It is cut to the second.
    return judgeClock(check, Date.now() - told - 500)
  } catch (error) {
    return warn(check, `${name} could not be asked for the time: ${reasonOf(error)}.`)
  }
}
