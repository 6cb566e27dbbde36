/** What the database says of the keys that wrap: which there are, and whether a ring opens them. */
import { sql, type Kysely } from 'kysely'
import { ConfigError } from '../config.ts'
import type { Database } from '../db/types.ts'
import { EnvelopeError } from './envelope.ts'
import { explainMissing, type KeyRing } from './key-ring.ts'
import { unwrapDataKey, unwrapSystemKey } from './wrap.ts'

/** How many keys one master key wraps. */
export interface StoredKid {
  kid: string
  data_keys: number
  system_keys: number
}

/** A master key that does not open what it wrapped. */
export interface KeyFault {
  kid: string
  /** `missing`: the ring lacks the kid. `wrong`: what it holds under it opens nothing. */
  state: 'missing' | 'wrong'
  /** It wraps keys of the server itself, without which nothing works. */
  isServers: boolean
  /** Some of the connections whose keys it wraps. */
  connections: string[]
}

const SAMPLES = 5

/** By kid. */
export async function countStoredKids (db: Kysely<Database>): Promise<StoredKid[]> {
  const { rows } = await sql<StoredKid>`
    SELECT kid, sum(data_keys)::int AS data_keys, sum(system_keys)::int AS system_keys FROM (
      SELECT kid, count(*) AS data_keys, 0 AS system_keys FROM data_keys GROUP BY kid
      UNION ALL SELECT kid, 0, count(*) FROM system_keys GROUP BY kid
    ) AS counts GROUP BY kid ORDER BY kid`.execute(db)
  return rows
}

/** The kids that the database names, each once. */
export async function listStoredKids (db: Kysely<Database>): Promise<string[]> {
  return (await countStoredKids(db)).map(({ kid }) => kid)
}

/**
 * Tries the ring on what is stored, so that a wrong key under the right kid shows at start and not at a call. Of data
 * keys one that opens is enough: another that does not was changed, and is its connection's loss alone.
 */
export async function findFaults (db: Kysely<Database>, ring: KeyRing): Promise<KeyFault[]> {
  const faults: KeyFault[] = []
  for (const { kid } of await countStoredKids(db)) {
    const system = await db.selectFrom('system_keys').selectAll().where('kid', '=', kid).execute()
    const data = await db.selectFrom('data_keys').selectAll().where('kid', '=', kid).limit(SAMPLES).execute()
    const isWrong = () => !system.every(row => isOpening(() => unwrapSystemKey(ring, row))) ||
      (data.length > 0 && !data.some(row => isOpening(() => unwrapDataKey(ring, row))))
    const state = !ring.keys.has(kid) ? 'missing' : isWrong() ? 'wrong' : undefined
    const connections = data.map(row => row.connection_id)
    if (state) faults.push({ kid, state, isServers: system.length > 0, connections })
  }
  return faults
}

/** @throws ConfigError that names the first kid which the ring does not open, and what to do */
export async function assertFits (db: Kysely<Database>, ring: KeyRing): Promise<void> {
  const [fault] = await findFaults(db, ring)
  if (fault) throw new ConfigError(explainFault(ring, fault))
}

/** What an operator is told of it. */
export function explainFault (ring: KeyRing, { kid, state, isServers, connections }: KeyFault): string {
  const advice = state === 'missing'
    ? explainMissing(ring, kid)
    : `The key ${kid} of ${ring.source} is not the one that wrapped the keys of this database. ` +
      'Put the right key back under that kid, or start with the database that belongs to it.'
  if (isServers) return advice
  return `${advice} Where it is lost, delete the connections that it leaves shut, with "fmcp connection delete": ` +
    `${connections.join(', ')}.`
}

function isOpening (unwrap: () => Buffer): boolean {
  try {
    unwrap()
    return true
  } catch (error) {
    if (error instanceof EnvelopeError) return false
    throw error
  }
}
