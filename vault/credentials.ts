import type { AuthCredentialRow } from '../db/types.ts'
import type { Credential } from '../providers/types.ts'
import { open, seal } from './envelope.ts'

/** Where a credential stands: it opens there only. */
export type CredentialPlace = Pick<AuthCredentialRow, 'id' | 'connection_id' | 'data_key_id' | 'provider'>

/** @param dataKey 32 bytes */
export function sealCredential (dataKey: Buffer, place: CredentialPlace, credential: Credential): Buffer {
  return seal(dataKey, Buffer.from(JSON.stringify(credential)), toPlace(place))
}

/** @throws EnvelopeError where the row was changed or moved */
export function openSealedCredential (dataKey: Buffer, row: CredentialPlace & Pick<AuthCredentialRow, 'ciphertext'>): Credential {
  return JSON.parse(open(dataKey, row.ciphertext, toPlace(row)).toString()) as Credential
}

/** The provider is part of the place: a key moved to another provider's row would be sent to that provider. */
const toPlace = (row: CredentialPlace): string[] =>
  ['auth_credentials', row.id, 'ciphertext', row.connection_id, row.data_key_id, row.provider]
