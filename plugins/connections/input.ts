/** What may stand in a connection, said in sentences that echo no value. */
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../../errors.ts'
import { PROVIDERS } from '../../providers/index.ts'
import type { Credential } from '../../providers/types.ts'
import {
  ApiKeySchema, ConnectionSettingsSchema, KeyPairSchema, NameSchema, type ConnectionSettings
} from '../../schemas/control.ts'
import type { ProviderName } from '../../schemas/market.ts'

/** The one connection that the made-up market may stand on. */
export const SAMPLE = 'sample' as const

/**
 * Checks the whole of what a connection will be.
 * @throws INVALID_INPUT
 */
export function assertConnection ({ name, settings }: { name: string, settings: ConnectionSettings }): void {
  if (!Value.Check(NameSchema, name)) {
    throw problem('INVALID_INPUT', 'A name is 1 to 80 characters without control characters.', {
      errors: [{ path: 'name', message: 'must be 1 to 80 characters without control characters' }]
    })
  }
  const errors = faults(ConnectionSettingsSchema, settings, 'settings')
  if (errors.length) {
    const told = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
    throw problem('INVALID_INPUT', `These settings are not valid: ${told}.`, { errors })
  }
  assertEndpoints(settings.endpoints)
  const order = [settings.provider_order, ...Object.values(settings.capability_order)].flat()
  if (name === SAMPLE ? order.some(provider => provider !== SAMPLE) : order.includes(SAMPLE)) {
    throw problem('INVALID_INPUT', 'The sample market is made up, so it never mixes with real data: the connection named ' +
      '"sample" asks the provider "sample" only, and no other connection may ask it.', {
      errors: [{ path: 'settings.provider_order', message: name === SAMPLE ? 'may hold "sample" only' : 'must not hold "sample"' }]
    })
  }
}

/** What is a URL to one reader must be the same URL to every other: no user name, no backslash, no white space. */
const ENDPOINT = /^https:\/\/[^\s\\@?#]+$/

/** Which addresses it stands for is checked when it is connected to. */
function assertEndpoints (endpoints: ConnectionSettings['endpoints']): void {
  const wrong = Object.entries(endpoints).filter(([, url]) => !ENDPOINT.test(url) || !URL.canParse(url))
  if (!wrong.length) return
  const message = 'must be an https:// URL without user name, query or fragment'
  throw problem('INVALID_INPUT', `settings.endpoints.${wrong.map(([name]) => name).join(', settings.endpoints.')} ${message}.`, {
    errors: wrong.map(([name]) => ({ path: `settings.endpoints.${name}`, message }))
  })
}

/**
 * Checks a key against the fields that its provider takes.
 * @throws INVALID_INPUT
 */
export function assertCredential (provider: ProviderName, credential: unknown): Credential {
  const { title, credential_fields: fields } = PROVIDERS[provider]
  if (!fields.length) throw problem('INVALID_INPUT', `${title} takes no key: there is nothing to store.`, { provider })
  const schema = fields.includes('api_key') ? ApiKeySchema : KeyPairSchema
  if (Value.Check(schema, credential)) return credential
  throw problem('INVALID_INPUT', `${title} takes a JSON object of ${fields.join(' and ')}, and nothing else: ` +
    'each a string of 1 to 500 characters without white space.', {
    provider, errors: faults(schema, credential, '')
  })
}

/** One row a fault. A member that the schema does not know is counted, not named: its name may be a mistyped secret. */
function faults (schema: TSchema, value: unknown, root: string): { path: string, message: string }[] {
  const rows = Value.Errors(schema, value)
    .filter(({ keyword }) => keyword !== 'boolean')
    .map(({ instancePath, message }) => ({ path: (root + instancePath.replaceAll('/', '.')).replace(/^\./, ''), message }))
  return rows.slice(0, 10)
}
