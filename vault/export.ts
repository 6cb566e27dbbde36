/** A connection with its secrets, sealed by a passphrase: what stands in an export file. */
import { hashRaw } from '@node-rs/argon2'
import { randomBytes } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { problem } from '../errors.ts'
import { EnvelopeError, open, seal } from './envelope.ts'

const FORMAT = 'financial-mcp-server/connection'
const VERSION = 1
const strict = { additionalProperties: false }
const ARGON2ID = 2
const KDF = { name: 'argon2id', memory_kib: 64 * 1024, passes: 3, parallelism: 1 } as const

/** Parameters are bounded: a file must not decide how much memory its reader takes. */
const KdfSchema = Type.Object({
  name: Type.Literal(KDF.name),
  memory_kib: Type.Integer({ minimum: KDF.memory_kib, maximum: 256 * 1024 }),
  passes: Type.Integer({ minimum: KDF.passes, maximum: 10 }),
  parallelism: Type.Integer({ minimum: 1, maximum: 4 }),
  /** base64 of 16 to 64 bytes. */
  salt: Type.String({ pattern: '^[A-Za-z0-9+/]{22,86}={0,2}$' })
}, strict)

const ExportFileSchema = Type.Object({
  format: Type.Literal(FORMAT),
  version: Type.Literal(VERSION),
  kdf: KdfSchema,
  cipher: Type.Literal('aes-256-gcm'),
  /** base64 of what vault/envelope.ts seals; bound to all that stands above. */
  sealed: Type.String({ minLength: 1, maxLength: 1024 * 1024 })
}, strict)
type Header = Omit<Static<typeof ExportFileSchema>, 'sealed'>

/** Seals a value as the text of an export file. Takes 64 MiB and a quarter of a second. */
export async function sealExport (value: unknown, passphrase: string): Promise<string> {
  const kdf = { ...KDF, salt: randomBytes(16).toString('base64') }
  const header: Header = { format: FORMAT, version: VERSION, kdf, cipher: 'aes-256-gcm' }
  const key = await deriveKey(header, passphrase)
  const sealed = seal(key, Buffer.from(JSON.stringify(value)), toPlace(header)).toString('base64')
  return `${JSON.stringify({ ...header, sealed }, null, 2)}\n`
}

/**
 * Opens the text of an export file.
 * @returns what was sealed, of unchecked shape
 * @throws INVALID_INPUT where it is no such file, or asks for too much; FORBIDDEN where it does not open
 */
export async function openExport (text: string, passphrase: string): Promise<unknown> {
  const { sealed, ...header } = parseExport(text)
  const key = await deriveKey(header, passphrase)
  try {
    return JSON.parse(open(key, Buffer.from(sealed, 'base64'), toPlace(header)).toString())
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause
    throw problem('FORBIDDEN', 'The file does not open: the passphrase is wrong, or the file was changed. Nothing was ' +
      'imported.', { cause })
  }
}

function parseExport (text: string): Static<typeof ExportFileSchema> {
  const file = parseJson(text)
  if (Value.Check(ExportFileSchema, file)) return file
  const [fault] = Value.Errors(ExportFileSchema, file)
  const isOurs = typeof file === 'object' && file !== null && 'format' in file && file.format === FORMAT
  if (!isOurs) throw problem('INVALID_INPUT', 'The file is no export of a connection. Make one with "fmcp connection export".')
  if ('version' in file && file.version !== VERSION) {
    throw problem('INVALID_INPUT', `This server reads version ${VERSION} of the file, and it has another. Export it anew.`)
  }
  const where = fault?.instancePath.slice(1).replaceAll('/', '.')
  throw problem('INVALID_INPUT', `The file is damaged or was changed: ${where} ${fault?.message}. Export it anew.`)
}

function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function deriveKey ({ kdf }: Header, passphrase: string): Promise<Buffer> {
  return hashRaw(passphrase.normalize('NFC'), {
    algorithm: ARGON2ID,
    memoryCost: kdf.memory_kib,
    timeCost: kdf.passes,
    parallelism: kdf.parallelism,
    outputLen: 32,
    salt: Buffer.from(kdf.salt, 'base64')
  })
}

const toPlace = ({ format, version, kdf: { name, memory_kib: memory, passes, parallelism, salt }, cipher }: Header) =>
  [format, String(version), name, String(memory), String(passes), String(parallelism), salt, cipher]
