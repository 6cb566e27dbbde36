import fp from 'fastify-plugin'
import { sql, type Kysely } from 'kysely'
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { ConfigError, type Config } from '../config.ts'
import type { AuthCredentialRow, Database } from '../db/types.ts'
import { problem } from '../errors.ts'
import type { Credential } from '../providers/types.ts'
import type { ProviderName } from '../schemas/market.ts'
import { EnvelopeError, open, seal } from '../vault/envelope.ts'
import { loadKeyRing, type KeyRing } from '../vault/key-ring.ts'
import { unwrapDataKey, unwrapSystemKey, wrapDataKey, wrapSystemKey, type Wrapped } from '../vault/wrap.ts'

declare module 'fastify' {
  interface FastifyInstance {
    vault: Vault
  }
}

const SYSTEM_KEYS = ['token', 'audit', 'fingerprint'] as const
export type SystemKeyName = typeof SYSTEM_KEYS[number]

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
}

export default fp<{ config: Config }>(async (app, { config }) => {
  const ring = await loadKeyRing(config, await storedKids(app.db))
  if (ring.isNew) {
    app.log.warn(`Made ${ring.source}. Back it up: without it the stored provider keys cannot be opened.`)
  }
  await assertOpens(app.db, ring)
  app.decorate('vault', createVault(app.db, ring, await systemKeys(app.db, ring)))
}, { name: 'vault', dependencies: ['db'] })

function createVault (db: Kysely<Database>, ring: KeyRing, keys: Record<SystemKeyName, Buffer>): Vault {
  const vault: Vault = {
    async createDataKey (trx, connectionId) {
      const id = randomUUID()
      await trx.insertInto('data_keys')
        .values({
          id,
          connection_id: connectionId,
          retired_at: null,
          ...wrapDataKey(ring, { id, connection_id: connectionId }, randomBytes(32))
        })
        .onConflict(conflict => conflict.column('connection_id').where('retired_at', 'is', null).doNothing())
        .execute()
    },

    async setCredential (trx, connectionId, provider, credential) {
      await lockConnection(trx, connectionId)
      await vault.createDataKey(trx, connectionId)
      const dataKey = await trx.selectFrom('data_keys').selectAll()
        .where('connection_id', '=', connectionId).where('retired_at', 'is', null).executeTakeFirstOrThrow()
      const stored = await trx.selectFrom('auth_credentials').select('id')
        .where('connection_id', '=', connectionId).where('provider', '=', provider).executeTakeFirst()
      const row = {
        id: stored?.id ?? randomUUID(), connection_id: connectionId, provider, data_key_id: dataKey.id
      }
      const plaintext = Buffer.from(JSON.stringify(credential))
      const sealed = {
        data_key_id: dataKey.id,
        ciphertext: seal(unwrapDataKey(ring, dataKey), plaintext, credentialPlace(row)),
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
      const dataKey = unwrapDataKey(ring, { ...row, id: row.data_key_id, connection_id: row.key_connection_id })
      return JSON.parse(open(dataKey, row.ciphertext, credentialPlace(row)).toString()) as Credential
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
    }
  }
  return vault
}

/** The provider is part of the place: a key moved to another provider's row would be sent to that provider. */
function credentialPlace (
  row: Pick<AuthCredentialRow, 'id' | 'connection_id' | 'data_key_id' | 'provider'>
): string[] {
  return ['auth_credentials', row.id, 'ciphertext', row.connection_id, row.data_key_id, row.provider]
}

/** Two writers of one connection's credentials wait for each other. */
async function lockConnection (trx: Kysely<Database>, id: string): Promise<void> {
  const row = await trx.selectFrom('connections').select('id').where('id', '=', id).forUpdate().executeTakeFirst()
  if (!row) throw problem('NOT_FOUND', 'There is no such connection.')
}

async function storedKids (db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ kid: string }>`
    SELECT kid FROM system_keys UNION SELECT kid FROM data_keys ORDER BY kid`.execute(db)
  return rows.map(row => row.kid)
}

/** Opens one stored key of each kid, so that a wrong key under the right kid is refused at start and not at a call. */
async function assertOpens (db: Kysely<Database>, ring: KeyRing): Promise<void> {
  const system = await db.selectFrom('system_keys').selectAll().distinctOn('kid').orderBy('kid').execute()
  const data = await db.selectFrom('data_keys').selectAll().distinctOn('kid').orderBy('kid').execute()
  for (const row of system) assertUnwraps(ring, row, () => unwrapSystemKey(ring, row))
  for (const row of data) assertUnwraps(ring, row, () => unwrapDataKey(ring, row))
}

function assertUnwraps (ring: KeyRing, { kid }: Wrapped, unwrap: () => Buffer): void {
  try {
    unwrap()
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause
    throw new ConfigError(`The key ${kid} of ${ring.source} is not the one that wrapped the keys of this database. ` +
      'Put the right key back under that kid, or start with the database that belongs to it.', { cause })
  }
}

async function systemKeys (db: Kysely<Database>, ring: KeyRing): Promise<Record<SystemKeyName, Buffer>> {
  const made = SYSTEM_KEYS.map(name => ({ name, ...wrapSystemKey(ring, { name }, randomBytes(32)) }))
  await db.insertInto('system_keys').values(made).onConflict(conflict => conflict.column('name').doNothing()).execute()
  // Re-read: another replica may have been first.
  const read = async (name: SystemKeyName) => unwrapSystemKey(ring,
    await db.selectFrom('system_keys').selectAll().where('name', '=', name).executeTakeFirstOrThrow())
  return { token: await read('token'), audit: await read('audit'), fingerprint: await read('fingerprint') }
}
