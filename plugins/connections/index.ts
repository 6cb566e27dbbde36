import fp from 'fastify-plugin'
import type { Transaction } from 'kysely'
import { randomUUID } from 'node:crypto'
import type { Config } from '../../config.ts'
import * as rows from '../../db/connections.ts'
import * as credentialRows from '../../db/credentials.ts'
import { deleteEntitlements } from '../../db/entitlements.ts'
import { isOutage } from '../../db/outage.ts'
import type { Database } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import { createLru } from '../../lru.ts'
import {
  DEFAULT_SETTINGS, type Connection, type ConnectionPatch, type ConnectionRequest, type ConnectionSettings,
  type CredentialStatus, type CredentialTest
} from '../../schemas/control.ts'
import type { ProviderName } from '../../schemas/market.ts'
import type { Actor, AuditEvent } from '../audit/index.ts'
import { changeEndpoints } from './endpoints.ts'
import { assertConnection, assertCredential, SAMPLE } from './input.ts'
import { ensureSample, importEnvironment } from './seeds.ts'
import '../sessions/index.ts'

export interface Connections {
  list: () => Promise<Connection[]>
  /** @throws NOT_FOUND */
  get: (id: string) => Promise<Connection>
  /** @throws INVALID_INPUT; CONFLICT where the name is taken */
  create: (request: ConnectionRequest, by: Actor) => Promise<Connection>
  /** @throws NOT_FOUND; INVALID_INPUT; CONFLICT where the name is taken */
  update: (id: string, patch: ConnectionPatch, by: Actor) => Promise<Connection>
  /**
   * Destroys the data keys, and with them every secret, then the row.
   * @throws NOT_FOUND
   */
  delete: (id: string, by: Actor) => Promise<void>
  /**
   * Seals a key in place of the one that stood.
   * @param credential of unchecked shape
   * @throws NOT_FOUND; INVALID_INPUT, which names the fields that the provider takes and echoes no value
   */
  setCredential: (id: string, provider: ProviderName, credential: unknown, by: Actor) => Promise<CredentialStatus>
  /** @throws NOT_FOUND where the connection or its key is not there */
  deleteCredential: (id: string, provider: ProviderName, by: Actor) => Promise<void>
  /**
   * Asks the provider, and stores how it ended.
   * @throws NOT_FOUND; PROVIDER_NOT_CONFIGURED where there is no key; the signal's reason
   */
  testCredential: (id: string, provider: ProviderName, by: Actor, signal: AbortSignal) => Promise<CredentialTest>
  /**
   * From memory for at most 5 s, and until the bus says that the connection changed; for as long as a session goes on
   * while the database is away. Not to be written to.
   * @throws NOT_FOUND
   */
  settingsOf: (id: string) => Promise<ConnectionSettings>
  /** Seals the environment's keys into the connection `default`; does nothing where they stand there already. */
  importEnvironment: () => Promise<void>
  /** The connection `sample`, made where there is no connection at all; undefined where others stand without it. */
  ensureSample: () => Promise<Connection | undefined>
}

declare module 'fastify' {
  interface FastifyInstance { connections: Connections }
}

/** What the bus says of a change. */
export interface Changed {
  connection_id: string
  /** Of `credential:changed` only. */
  provider?: ProviderName
}

type Work<T> = (trx: Transaction<Database>) => Promise<T>

const SETTINGS_TTL_MS = 5000
const OUTAGE_TTL_MS = 10 * 60_000

export default fp<{ config: Config }>(async (app, { config }) => {
  const settings = createLru<ConnectionSettings>(1000, { ttl: SETTINGS_TTL_MS })
  /** What was read last, for while the database is away: it decides what is served, never who is let in. */
  const lastRead = createLru<ConnectionSettings>(1000, { ttl: OUTAGE_TTL_MS + config.sessionGraceMs })
  /** Grows with each invalidation: a row read before one must not be remembered after it. */
  let generation = 0
  const forget = () => {
    generation++
    settings.clear()
  }
  app.bus.subscribe('connection:changed', forget)
  app.bus.subscribe('bus:reset', forget)

  /** One change and its audit event, or neither. */
  async function change<T> (event: AuditEvent, work: Work<T>): Promise<T> {
    try {
      return await app.db.transaction().execute(async trx => {
        const result = await work(trx)
        await app.audit.record(trx, event)
        return result
      })
    } catch (error) {
      throw rows.isNameTaken(error) ? problem('CONFLICT', 'Another connection has this name. Choose a different one.') : error
    }
  }

  /** Tells of a change that is committed: it stands, whether or not the other replicas hear of it at once. */
  async function announce (topic: 'connection:changed' | 'credential:changed', payload: Changed): Promise<void> {
    try {
      await app.bus.publish(topic, payload)
    } catch (error) {
      app.log.error({ err: error, topic }, 'other replicas could not be told of a change')
    }
  }

  const connections: Connections = {
    async list () {
      const found = await rows.listConnections(app.db)
      const credentials = await credentialRows.listCredentials(app.db)
      return found.map(row => rows.toConnection(row, credentials.filter(({ connection_id: id }) => id === row.id)))
    },

    async get (id) {
      const row = assertFound(await rows.findConnection(app.db, id))
      return rows.toConnection(row, await credentialRows.listCredentials(app.db, id))
    },

    async create ({ name: typed, settings: stated }, by) {
      const id = randomUUID()
      const name = typed.trim()
      const base = name === SAMPLE ? { ...DEFAULT_SETTINGS, provider_order: [SAMPLE] } : DEFAULT_SETTINGS
      const connection = { id, name, settings: { ...base, ...stated } }
      assertConnection(connection)
      const event = { ...by, action: 'connection.create', target: name, connection_id: id }
      return rows.toConnection(await change(event, trx => rows.insertConnection(trx, connection)), [])
    },

    async update (id, patch, by) {
      const event = { ...by, action: 'connection.update', connection_id: id, details: { changed: changedFields(patch) } }
      await change(event, async trx => {
        const row = assertFound(await rows.lockConnection(trx, id))
        const next = { name: patch.name?.trim() ?? row.name, settings: { ...rows.toSettings(row), ...patch.settings } }
        assertConnection(next)
        await changeEndpoints(trx, id, rows.toSettings(row), next.settings)
        await rows.updateConnection(trx, id, next)
      })
      await announce('connection:changed', { connection_id: id })
      return connections.get(id)
    },

    async delete (id, by) {
      await change({ ...by, action: 'connection.delete', connection_id: id }, async trx => {
        assertFound(await rows.lockConnection(trx, id))
        await app.vault.destroyConnectionKeys(trx, id)
        await rows.deleteConnection(trx, id)
      })
      await app.sessions.forget(id)
      await announce('connection:changed', { connection_id: id })
    },

    async setCredential (id, provider, value, by) {
      const credential = assertCredential(provider, value)
      const event = { ...by, action: 'credential.set', target: provider, connection_id: id }
      const row = await change(event, async trx => {
        const { name } = assertFound(await rows.lockConnection(trx, id))
        if (name === SAMPLE) throw problem('INVALID_INPUT', 'The connection "sample" holds no keys. Store it on another connection.')
        await app.vault.setCredential(trx, id, provider, credential)
        await deleteEntitlements(trx, id, provider)
        return credentialRows.findCredential(trx, id, provider)
      })
      await announce('credential:changed', { connection_id: id, provider })
      return credentialRows.toCredentialStatus(assertFound(row))
    },

    async deleteCredential (id, provider, by) {
      await change({ ...by, action: 'credential.delete', target: provider, connection_id: id }, async trx => {
        assertFound(await rows.lockConnection(trx, id))
        if (!await credentialRows.deleteCredential(trx, id, provider)) {
          throw problem('NOT_FOUND', `This connection has no ${provider} key.`, { provider })
        }
        await deleteEntitlements(trx, id, provider)
      })
      await announce('credential:changed', { connection_id: id, provider })
    },

    async testCredential (id, provider, by, signal) {
      const row = assertFound(await rows.findConnection(app.db, id))
      const tested = await credentialRows.findCredential(app.db, id, provider)
      if (!tested) {
        throw problem('PROVIDER_NOT_CONFIGURED', `This connection has no ${provider} key. Store one first.`, { provider })
      }
      await app.entitlements.forget(id, provider)
      const result = await app.providers.test(id, rows.toSettings(row), provider, signal)
      const event = {
        ...by,
        action: 'credential.test',
        target: provider,
        connection_id: id,
        outcome: result.status.replace(/^FMS_/, ''),
        latency_ms: result.latency_ms
      }
      await change(event, trx => credentialRows.storeCredentialTest(trx, tested, result))
      return result
    },

    async settingsOf (id) {
      const known = app.bus.healthy() ? settings.get(id) : undefined
      if (known) return known
      const readAt = generation
      try {
        const found = rows.toSettings(assertFound(await rows.findConnection(app.db, id)))
        if (readAt === generation) settings.set(id, found)
        lastRead.set(id, found)
        return found
      } catch (error) {
        const remembered = isOutage(error) ? lastRead.get(id) : undefined
        if (remembered) return remembered
        throw error
      }
    },

    importEnvironment: () => importEnvironment(app, config),
    ensureSample: () => ensureSample(app)
  }

  app.decorate('connections', connections)
}, { name: 'connections', dependencies: ['db', 'bus', 'vault', 'audit', 'sessions', 'entitlements'] })

function assertFound<T> (row: T | undefined): T {
  if (row === undefined) throw problem('NOT_FOUND', 'There is no such connection.')
  return row
}

/** Which members a change states: the audit log keeps names, not values. */
function changedFields ({ name, settings }: ConnectionPatch): string[] {
  return [...(name === undefined ? [] : ['name']), ...Object.keys(settings ?? {}).map(key => `settings.${key}`)]
}
