import type { Kysely } from 'kysely'
import { ConfigError, type Config } from '../../config.ts'
import type { Database } from '../../db/types.ts'
import { findKeyRing, type KeyRing } from '../../vault/key-ring.ts'
import { countStoredKids, explainFault, findFaults } from '../../vault/stored-keys.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

/** Whether the ring opens what is stored. */
export async function checkKeys (db: Kysely<Database>, config: Config): Promise<Finding[]> {
  const check = 'keys'
  const stored = await countStoredKids(db)
  let ring: KeyRing | undefined
  try {
    ring = await findKeyRing(config)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [fail(check, error.message)]
  }
  if (!ring) {
    if (stored.length === 0) return [ok(check, 'There is no key yet: one is made at the first start.')]
    return [fail(check, `The master key is missing, and the database holds keys that ${stored[0]!.kid} wrapped. ` +
      'Put DATA_DIR/master.key back, or set MASTER_KEY_FILE to it.')]
  }
  const faults = await findFaults(db, ring)
  if (faults.length) return faults.map(fault => fail(check, explainFault(ring, fault)))
  const sum = stored.reduce((total, { data_keys: data, system_keys: system }) => total + data + system, 0)
  const old = stored.filter(({ kid }) => kid !== ring.primary.kid).map(({ kid }) => kid)
  if (old.length) {
    return [warn(check, `The ring opens all ${sum} stored keys, of which some are wrapped by ${old.join(', ')} and not by the ` +
      `primary ${ring.primary.kid}. Wrap them anew: fmcp keys rewrap.`)]
  }
  return [ok(check, `The ring opens all ${sum} stored keys; ${ring.primary.kid} is primary.`)]
}
