/** What several commands read from their arguments. */
import type { FastifyInstance } from 'fastify'
import { InvalidArgumentError } from 'commander'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../errors.ts'
import type { Connection } from '../schemas/control.ts'
import { ProviderNameSchema, type ProviderName } from '../schemas/market.ts'
import { UsageError } from './error.ts'

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 }

/** How long something stands, as an option holds it: commander keeps no null. */
export type Ttl = number | 'never'

/** Reads `90d`, `12h`, `30m`, `60s`, plain seconds or `never`. */
export function toTtl (text: string): Ttl {
  if (text === 'never') return text
  const [, amount, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? []
  if (amount === undefined) throw new InvalidArgumentError('Give seconds, or a number with s, m, h or d, or "never".')
  return Number(amount) * SECONDS[unit as keyof typeof SECONDS]
}

/** The member of a request; none where nothing was said. */
export function toTtlSeconds (ttl: Ttl | undefined): { ttl_seconds?: number | null } {
  return ttl === undefined ? {} : { ttl_seconds: ttl === 'never' ? null : ttl }
}

export function toProvider (text: string): ProviderName {
  if (Value.Check(ProviderNameSchema, text)) return text
  throw new InvalidArgumentError(`The providers are ${ProviderNameSchema.enum.join(', ')}.`)
}

/**
 * What a route's schema does for a request.
 * @throws UsageError
 */
export function assertShape<T extends TSchema> (schema: T, value: unknown): Static<T> {
  if (Value.Check(schema, value)) return value
  const [fault] = Value.Errors(schema, value)
  throw new UsageError(`${fault?.instancePath.slice(1) || 'It'} ${fault?.message ?? 'is not valid'}.`)
}

/**
 * The connection of this name or id.
 * @throws NOT_FOUND
 */
export async function findConnection (app: FastifyInstance, nameOrId: string): Promise<Connection> {
  const known = await app.connections.list()
  const found = known.find(({ id }) => id === nameOrId) ?? known.find(({ name }) => name === nameOrId)
  if (found) return found
  const names = known.map(({ name }) => `"${name}"`).join(', ')
  throw problem('NOT_FOUND', `There is no connection "${nameOrId}". ${names ? `There are: ${names}.` : 'There is none yet.'}`)
}
