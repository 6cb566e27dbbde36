/** The connections that the server makes by itself: from the environment, and the sample market. */
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { codeOf } from '../errors.ts'
import type { Connection } from '../schemas/control.ts'
import { SAMPLE } from './connection-input.ts'

const by = { actor: 'system' }

/** Brings the connection `default` to what the environment states, and leaves the rest of it as its owner set it. */
export async function importEnvironment ({ connections, vault }: FastifyInstance, config: Config): Promise<void> {
  const { importedCredentials: { alpaca, polygon, fmp, finnhub }, caching, cacheTtlSeconds } = config
  const stated = Object.entries({ alpaca, polygon, fmp, finnhub })
    .flatMap(([provider, credential]) => credential ? [{ provider: provider as keyof Config['importedCredentials'], credential }] : [])
  if (!stated.length && caching && cacheTtlSeconds === undefined) return

  const { id, settings, credentials } = await findOrCreate({ connections }, 'default')
  if (!caching && settings.caching) await connections.update(id, { settings: { caching } }, by)
  for (const { provider, credential } of stated) {
    const stored = credentials.find(row => row.provider === provider)
    if (stored?.fingerprint === vault.fingerprint(credential)) continue
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
