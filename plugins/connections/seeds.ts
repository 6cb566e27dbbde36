/** The connections that the server makes by itself: from the environment, and the sample market. */
import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config.ts'
import { codeOf } from '../../errors.ts'
import { endpointsOf } from '../../providers/stored-endpoints.ts'
import type { Connection } from '../../schemas/control.ts'
import { SAMPLE } from './input.ts'

const by = { actor: 'system' }

/**
 * Brings the connection `default` to what the environment states, and leaves the rest of it as its owner set it. A key
 * whose provider has an endpoint there is left out: the operator meant it for the provider.
 */
export async function importEnvironment ({ connections, vault, log }: FastifyInstance, config: Config): Promise<void> {
  const { importedCredentials: { alpaca, polygon, fmp, finnhub }, caching, cacheTtlSeconds } = config
  const stated = Object.entries({ alpaca, polygon, fmp, finnhub })
    .flatMap(([provider, credential]) => credential ? [{ provider: provider as keyof Config['importedCredentials'], credential }] : [])
  if (!stated.length && caching && cacheTtlSeconds === undefined) return

  const { id, settings, credentials } = await findOrCreate({ connections }, 'default')
  if (!caching && settings.caching) await connections.update(id, { settings: { caching } }, by)
  for (const { provider, credential } of stated) {
    const stored = credentials.find(row => row.provider === provider)
    if (stored?.fingerprint === vault.fingerprint(credential)) continue
    if (endpointsOf(provider, settings)) {
      log.warn({ provider }, 'the key of the environment was not imported, since the connection "default" sends it to another ' +
        'server; store it there with fmcp credential set, or take the endpoint away')
      continue
    }
    await connections.setCredential(id, provider, credential, by)
  }
}

export async function ensureSample ({ connections }: FastifyInstance): Promise<Connection | undefined> {
  const known = await connections.list()
  if (known.length) return known.find(({ name }) => name === SAMPLE)
  return findOrCreate({ connections }, SAMPLE)
}

async function findOrCreate ({ connections }: Pick<FastifyInstance, 'connections'>, name: string): Promise<Connection> {
  const find = async () => (await connections.list()).find(connection => connection.name === name)
  const found = await find()
  if (found) return found
  try {
    return await connections.create({ name }, by)
  } catch (error) {
    // Another replica that starts at the same time was faster.
    const made = codeOf(error) === 'CONFLICT' ? await find() : undefined
    if (made) return made
    throw error
  }
}
