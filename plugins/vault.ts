import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import { createHmac, randomUUID } from 'node:crypto'
import { ConfigError, type Config } from '../config.ts'
import type { Database } from '../db/types.ts'
import { problem } from '../errors.ts'
import type { Credential } from '../providers/types.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { KeyStatus } from '../schemas/system.ts'
import { openSealedCredential, sealCredential } from '../vault/credentials.ts'
import { ensureDataKey, openDataKey, rotateDataKey } from '../vault/data-keys.ts'
import { loadKeyRing } from '../vault/key-ring.ts'
import { readKeyStatus } from '../vault/key-status.ts'
import { createLiveRing, type LiveRing } from '../vault/live-ring.ts'
import { rewrap, type RewrapOptions, type Rewrapped } from '../vault/rewrap.ts'
import { assertFits, countStoredKids, explainFault, findFaults } from '../vault/stored-keys.ts'
import { ensureSystemKeys, type SystemKeyName } from '../vault/system-keys.ts'

declare module 'fastify' {
  interface FastifyInstance {
    vault: Vault
  }
}

/** Keeps the provider keys sealed, one data key a connection. A secret goes in and comes out only to be sent. */
export interface Vault {
  /** Makes the connection's data key where it has none. */
  createDataKey (trx: Kysely<Database>, connectionId: string): Promise<void>
  /**
   * Seals and stores the credential in place of an older one, and forgets the older one's test.
   * @throws NOT_FOUND where there is no such connection
   */
  setCredential (
    trx: Kysely<Database>, connectionId: string, provider: ProviderName, credential: Credential
  ): Promise<{ fingerprint: string, set_at: Date }>
  /**
   * The credential for one call, null where none is stored. Nobody keeps it.
   * @throws EnvelopeError where the stored row was changed or moved
   * @throws ConfigError where the key ring lacks the key, also after it was read again
   */
  openCredential (connectionId: string, provider: ProviderName): Promise<Credential | null>
  /** Which providers the connection holds a key of, by name. */
  configuredProviders (connectionId: string): Promise<ProviderName[]>
  /** Six hex characters of an HMAC: tells two keys apart, tells nothing else. */
  fingerprint (credential: Credential): string
  /** 32 bytes, made once for each database. */
  systemKey (name: SystemKeyName): Buffer
  /** Destroys the connection's data keys, and by cascade all that they seal: first step of deleting a connection. */
  destroyConnectionKeys (trx: Kysely<Database>, connectionId: string): Promise<void>
  /**
   * Seals the connection's secrets again with a new data key, and destroys the former one.
   * @param trx a transaction
   * @returns how many secrets
   * @throws NOT_FOUND
   */
  rotateDataKey (trx: Kysely<Database>, connectionId: string): Promise<number>
  /** Wraps every key by the primary one: see vault/rewrap.ts. */
  rewrap (options?: RewrapOptions): Promise<Rewrapped>
  /** Which master keys there are, and what each wraps. */
  status (): Promise<KeyStatus>
  /** Reads the key ring's file again. One that does not open what is stored is not taken, and the log says why. */
  reload (): Promise<boolean>
}

export interface VaultOptions {
  config: Config
  /** True: only the server's own keys must open, and the log tells of others that do not. To mend those. */
  repair?: boolean
}

export default fp<VaultOptions>(async (app, { config, repair = false }) => {
  const stored = await countStoredKids(app.db)
  const needed = stored.filter(({ system_keys: count }) => count > 0 || !repair)
  const ring = await loadKeyRing(config, needed.map(({ kid }) => kid))
  if (ring.isNew) {
    app.log.warn(`Made ${ring.source}. Back it up: without it the stored provider keys cannot be opened.`)
  }
  for (const fault of await findFaults(app.db, ring)) {
    if (fault.isServers || !repair) throw new ConfigError(explainFault(ring, fault))
    app.log.warn(explainFault(ring, fault))
  }
  const live = createLiveRing(ring, { config, log: app.log, assertFits: next => assertFits(app.db, next) })
  app.decorate('vault', createVault(app.db, live, await ensureSystemKeys(app.db, ring)))
}, { name: 'vault', dependencies: ['db'] })

function createVault (db: Kysely<Database>, live: LiveRing, keys: Record<SystemKeyName, Buffer>): Vault {
  const vault: Vault = {
    async createDataKey (trx, connectionId) {
      await ensureDataKey(trx, live, connectionId)
    },

    async setCredential (trx, connectionId, provider, credential) {
      await lockConnection(trx, connectionId)
      const dataKey = await ensureDataKey(trx, live, connectionId)
      const stored = await trx.selectFrom('auth_credentials').select('id')
        .where('connection_id', '=', connectionId).where('provider', '=', provider).executeTakeFirst()
      const row = {
        id: stored?.id ?? randomUUID(), connection_id: connectionId, provider, data_key_id: dataKey.id
      }
      const sealed = {
        data_key_id: dataKey.id,
        ciphertext: sealCredential(await openDataKey(live, dataKey), row, credential),
        fingerprint: vault.fingerprint(credential),
        set_at: new Date(),
        test_status: null,
        test_latency_ms: null,
        test_message: null,
        tested_at: null
      }
      await trx.insertInto('auth_credentials').values({ ...row, ...sealed })
        .onConflict(conflict => conflict.columns(['connection_id', 'provider']).doUpdateSet(sealed)).execute()
      return { fingerprint: sealed.fingerprint, set_at: sealed.set_at }
    },

    async openCredential (connectionId, provider) {
      const row = await db.selectFrom('auth_credentials as c').innerJoin('data_keys as k', 'k.id', 'c.data_key_id')
        .select(['c.id', 'c.connection_id', 'c.provider', 'c.data_key_id', 'c.ciphertext'])
        .select(['k.connection_id as key_connection_id', 'k.kid', 'k.wrapped'])
        .where('c.connection_id', '=', connectionId).where('c.provider', '=', provider).executeTakeFirst()
      if (!row) return null
      const dataKey = await openDataKey(live, { ...row, id: row.data_key_id, connection_id: row.key_connection_id })
      return openSealedCredential(dataKey, row)
    },

    async configuredProviders (connectionId) {
      const rows = await db.selectFrom('auth_credentials').select('provider')
        .where('connection_id', '=', connectionId).orderBy('provider').execute()
      return rows.map(row => row.provider)
    },

    fingerprint (credential) {
      const fields = Object.entries(credential).sort(([a], [b]) => a < b ? -1 : 1)
      return createHmac('sha256', keys.fingerprint).update(JSON.stringify(fields)).digest('hex').slice(0, 6)
    },

    systemKey: name => keys[name],

    async destroyConnectionKeys (trx, connectionId) {
      await trx.deleteFrom('data_keys').where('connection_id', '=', connectionId).execute()
    },

    async rotateDataKey (trx, connectionId) {
      await lockConnection(trx, connectionId)
      return rotateDataKey(trx, live, connectionId)
    },

    rewrap: options => rewrap(db, live.current(), options),
    status: () => readKeyStatus(db, live.current()),
    reload: live.reload
  }
  return vault
}

/** Two writers of one connection's credentials wait for each other. */
async function lockConnection (trx: Kysely<Database>, id: string): Promise<void> {
  const row = await trx.selectFrom('connections').select('id').where('id', '=', id).forUpdate().executeTakeFirst()
  if (!row) throw problem('NOT_FOUND', 'There is no such connection.')
}
