import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A sealed value that does not open: another key, another place, or changed bytes. Which one cannot be told. */
export class EnvelopeError extends Error {}

/**
 * Seals with AES-256-GCM: version (1 byte), nonce (12), tag (16), ciphertext.
 * @param key 32 bytes
 * @param place what the value is and where it stands (table, row, column, …): it opens in the same place only
 */
export function seal (key: Buffer, plaintext: Buffer, place: readonly string[]): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(toAad(VERSION, place))
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), ciphertext])
}

/**
 * Opens what `seal` made with the same key and place.
 * @throws EnvelopeError
 */
export function open (key: Buffer, sealed: Buffer, place: readonly string[]): Buffer {
  const [version] = sealed
  if (version !== VERSION) throw new EnvelopeError(`The sealed value has the unknown format ${version ?? '(empty)'}`)
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES) throw new EnvelopeError('The sealed value is cut off')
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
  const tag = sealed.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES)
  const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(toAad(version, place)).setAuthTag(tag)
  try {
    return Buffer.concat([cipher.update(sealed.subarray(1 + NONCE_BYTES + TAG_BYTES)), cipher.final()])
  } catch (cause) {
    throw new EnvelopeError('The sealed value does not open: another key, another place, or changed bytes', { cause })
  }
}

/** Each field behind its length, so that no two lists of fields give the same bytes. */
export function lengthPrefixed (fields: readonly (string | null)[]): Buffer {
  const sizes = fields.map(field => field === null ? -1 : Buffer.byteLength(field))
  const bytes = Buffer.allocUnsafe(sizes.reduce((total, size) => total + 4 + Math.max(size, 0), 0))
  let at = 0
  fields.forEach((field, i) => {
    at = bytes.writeUInt32BE(field === null ? 0xffffffff : sizes[i]!, at)
    if (field !== null) at += bytes.write(field, at)
  })
  return bytes
}

const toAad = (version: number, place: readonly string[]) => lengthPrefixed([String(version), ...place])
