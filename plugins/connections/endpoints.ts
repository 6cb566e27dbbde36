import type { Transaction } from 'kysely'
import { findCredential } from '../../db/credentials.ts'
import { deleteEntitlements } from '../../db/entitlements.ts'
import type { Database } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import { PROVIDERS } from '../../providers/index.ts'
import { endpointsOf, redirectedProviders } from '../../providers/stored-endpoints.ts'
import type { ConnectionSettings } from '../../schemas/control.ts'

/**
 * Of a connection whose row is locked: a stored key is sent only to where it went when it was stored, else whoever may
 * set an endpoint could read every key there. What another server refused is forgotten.
 * @throws CONFLICT
 */
export async function changeEndpoints (
  trx: Transaction<Database>, id: string, before: ConnectionSettings, after: ConnectionSettings
): Promise<void> {
  for (const provider of redirectedProviders(before, after)) {
    if (!await findCredential(trx, id, provider)) continue
    throw problem('CONFLICT', `The ${PROVIDERS[provider].title} key of this connection was stored for another server. Delete the ` +
      'key, change the endpoint, and store the key again.', { provider })
  }
  for (const { name } of Object.values(PROVIDERS)) {
    if (endpointsOf(name, before) !== endpointsOf(name, after)) await deleteEntitlements(trx, id, name)
  }
}
