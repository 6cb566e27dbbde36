import type { DataKeyRow, SystemKeyRow } from '../db/types.ts'
import { open, seal } from './envelope.ts'
import { keyOf, type KeyRing } from './key-ring.ts'

type DataKeyPlace = Pick<DataKeyRow, 'id' | 'connection_id'>
type SystemKeyPlace = Pick<SystemKeyRow, 'name'>
export type Wrapped = Pick<DataKeyRow, 'kid' | 'wrapped'>

/** Wraps a connection's data key by the ring's primary key. */
export function wrapDataKey (ring: KeyRing, row: DataKeyPlace, key: Buffer): Wrapped {
  const { kid } = ring.primary
  return { kid, wrapped: seal(ring.primary.key, key, dataKeyPlace(row, kid)) }
}

/** @throws EnvelopeError, or ConfigError where the ring lacks the row's kid */
export function unwrapDataKey (ring: KeyRing, row: DataKeyPlace & Wrapped): Buffer {
  return open(keyOf(ring, row.kid), row.wrapped, dataKeyPlace(row, row.kid))
}

/** Wraps a key of the server itself by the ring's primary key. */
export function wrapSystemKey (ring: KeyRing, row: SystemKeyPlace, key: Buffer): Wrapped {
  const { kid } = ring.primary
  return { kid, wrapped: seal(ring.primary.key, key, systemKeyPlace(row, kid)) }
}

/** @throws EnvelopeError, or ConfigError where the ring lacks the row's kid */
export function unwrapSystemKey (ring: KeyRing, row: SystemKeyPlace & Wrapped): Buffer {
  return open(keyOf(ring, row.kid), row.wrapped, systemKeyPlace(row, row.kid))
}

const dataKeyPlace = (row: DataKeyPlace, kid: string) => ['data_keys', row.id, 'wrapped', row.connection_id, kid]
const systemKeyPlace = (row: SystemKeyPlace, kid: string) => ['system_keys', row.name, 'wrapped', '', kid]
