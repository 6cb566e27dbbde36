import type { Kysely } from 'kysely'
import type { Database } from '../db/types.ts'
import type { KeyStatus } from '../schemas/system.ts'
import type { KeyRing } from './key-ring.ts'
import { countStoredKids, findFaults } from './stored-keys.ts'

/** What stands in the ring and in the database, the ring's keys first. @param ring undefined: there is none */
export async function readKeyStatus (db: Kysely<Database>, ring: KeyRing | undefined): Promise<KeyStatus> {
  const stored = await countStoredKids(db)
  const faults = ring && await findFaults(db, ring)
  const kids = new Set([...ring?.keys.keys() ?? [], ...stored.map(({ kid }) => kid)])
  const keys = [...kids].map(kid => {
    const { data_keys: dataKeys = 0, system_keys: systemKeys = 0 } = stored.find(row => row.kid === kid) ?? {}
    const fault = ring ? faults?.find(row => row.kid === kid)?.state : 'missing' as const
    const state = fault ?? (kid === ring?.primary.kid ? 'primary' as const : 'in the ring' as const)
    return { kid, state, data_keys: dataKeys, system_keys: systemKeys }
  })
  return { source: ring?.source ?? null, primary: ring?.primary.kid ?? null, keys }
}
