/** A connection with its secrets, on its way to another server. */
import type { FastifyInstance } from 'fastify'
import { randomUUID } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import * as rows from '../../db/connections.ts'
import { problem } from '../../errors.ts'
import type { Credential } from '../../providers/types.ts'
import { ApiKeySchema, DEFAULT_SETTINGS, KeyPairSchema, type Connection } from '../../schemas/control.ts'
import { ProviderNameSchema, type ProviderName } from '../../schemas/market.ts'
import type { Actor } from '../audit/index.ts'
import { assertConnection, assertCredential } from './input.ts'

const strict = { additionalProperties: false }

/** The settings are checked where they are taken over: they may be another version's. */
export const ConnectionExportSchema = Type.Object({
  name: Type.String(),
  settings: Type.Record(Type.String(), Type.Unknown()),
  credentials: Type.Partial(Type.Record(ProviderNameSchema, Type.Union([ApiKeySchema, KeyPairSchema])), strict),
  exported_at: Type.String()
}, strict)
export type ConnectionExport = Static<typeof ConnectionExportSchema>

type Server = Pick<FastifyInstance, 'db' | 'vault' | 'audit'>

/**
 * Opens all that the connection holds. The event stands in the log before anybody has it.
 * @throws EnvelopeError where a stored key was changed or moved
 */
export async function exportConnection (
  { db, vault, audit }: Server, { id, name, settings }: Connection, by: Actor
): Promise<ConnectionExport> {
  const providers = await vault.configuredProviders(id)
  const credentials: Partial<Record<ProviderName, Credential>> = {}
  for (const provider of providers) {
    const credential = await vault.openCredential(id, provider)
    if (credential) credentials[provider] = credential
  }
  await audit.record(db, { ...by, action: 'connection.export', target: name, connection_id: id, details: { providers } })
  return { name, settings, credentials, exported_at: new Date().toISOString() }
}

/**
 * Makes the connection with its settings and keys, or nothing.
 * @param content of unchecked shape
 * @param renamed its name in place of the exported one
 * @throws INVALID_INPUT; CONFLICT where the name is taken
 */
export async function importConnection (
  { db, vault, audit }: Server, content: unknown, renamed: string | undefined, by: Actor
): Promise<{ id: string, name: string, providers: ProviderName[] }> {
  if (!Value.Check(ConnectionExportSchema, content)) {
    throw problem('INVALID_INPUT', 'The file opens, and holds something else than a connection of this version. Export it anew.')
  }
  const id = randomUUID()
  const name = (renamed ?? content.name).trim()
  const connection = { id, name, settings: { ...DEFAULT_SETTINGS, ...content.settings } }
  assertConnection(connection)
  const credentials = Object.entries(content.credentials) as [ProviderName, unknown][]
  const providers = credentials.map(([provider]) => provider)
  await db.transaction().execute(async trx => {
    await rows.insertConnection(trx, connection).catch(explainTaken(name))
    for (const [provider, credential] of credentials) {
      await vault.setCredential(trx, id, provider, assertCredential(provider, credential))
    }
    await audit.record(trx, { ...by, action: 'connection.import', target: name, connection_id: id, details: { providers } })
  })
  return { id, name, providers }
}

const explainTaken = (name: string) => (error: unknown): never => {
  if (!rows.isNameTaken(error)) throw error
  throw problem('CONFLICT', `There is a connection "${name}" already, and it was left as it is. Import under another ` +
    'name with --name, or delete it first.')
}
