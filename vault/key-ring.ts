import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, type Config } from '../config.ts'

export interface MasterKey {
  kid: string
  /** 32 bytes. */
  key: Buffer
}

export interface KeyRing {
  /** Wraps what is new. */
  primary: MasterKey
  keys: ReadonlyMap<string, Buffer>
  /** Where the operator finds it, for messages: the variable, or the file. */
  source: string
  /** True where this start made it. */
  isNew: boolean
}

export type KeyRingConfig = Pick<Config, 'masterKey' | 'masterKeyFile' | 'databaseUrl' | 'dataDir'>

const VARIABLES = 'MASTER_KEY_FILE (or MASTER_KEY)'
const KID = /^[A-Za-z0-9._-]{1,64}$/
const BASE64_32 = /^[A-Za-z0-9+/_-]{43}=?$/

export const isKid = (text: string): boolean => KID.test(text)

/** A new master key as a line of a ring. */
export function createRingLine (kid = `k${randomBytes(4).toString('hex')}`): string {
  return `${kid}:${randomBytes(32).toString('base64')}\n`
}

/**
 * Reads `kid:base64(32 bytes)`, one a line or comma-separated; the first is primary. Lines may be blank or start
 * with #.
 * @throws ConfigError that names the entry by its number and never quotes it
 */
export function parseKeyRing (text: string, source = VARIABLES): KeyRing {
  const entries = text.split('\n').filter(line => !line.trim().startsWith('#'))
    .flatMap(line => line.split(',')).map(entry => entry.trim()).filter(Boolean)
  const keys = new Map<string, Buffer>()
  for (const [index, entry] of entries.entries()) {
    const [kid = '', encoded = '', ...rest] = entry.split(':')
    if (!isKid(kid) || !BASE64_32.test(encoded) || rest.length > 0) {
      throw new ConfigError(`Entry ${index + 1} of ${source} is not kid:base64(32 bytes). ` +
        'Make one with: echo "k1:$(openssl rand -base64 32)"')
    }
    if (keys.has(kid)) throw new ConfigError(`${source} has the kid ${kid} twice; each key needs its own.`)
    keys.set(kid, Buffer.from(encoded, 'base64'))
  }
  const [first] = keys
  if (!first) throw new ConfigError(`${source} holds no key; it needs a line kid:base64(32 bytes).`)
  return { primary: { kid: first[0], key: first[1] }, keys, source, isNew: false }
}

/**
 * The ring of the configuration; in embedded mode without one, DATA_DIR/master.key, made where it is missing.
 * @param storedKids kids that the database names: while there are any, a missing file is never made anew
 * @throws ConfigError that names the kid and the variable
 */
export async function loadKeyRing (config: KeyRingConfig, storedKids: readonly string[] = []): Promise<KeyRing> {
  const ring = await findKeyRing(config)
  if (ring) {
    for (const kid of storedKids) keyOf(ring, kid)
    return ring
  }
  const file = toGeneratedFile(config)
  if (storedKids.length > 0) {
    throw new ConfigError(`${file} is missing, and the database holds keys that the master key ${storedKids[0]} ` +
      `wrapped. Put the file back, or set ${VARIABLES} to it; it is not made anew where data exists.`)
  }
  return generate(config.dataDir, file)
}

/**
 * The ring as it was when the configuration was read. Makes nothing.
 * @returns undefined in embedded mode before the first start
 * @throws ConfigError
 */
export async function findKeyRing (config: KeyRingConfig): Promise<KeyRing | undefined> {
  const { masterKey, masterKeyFile, databaseUrl } = config
  if (masterKey !== undefined) return parseKeyRing(masterKey, masterKeyFile ? toSource(masterKeyFile) : 'MASTER_KEY')
  if (databaseUrl !== undefined) {
    throw new ConfigError(`Set ${VARIABLES}: with DATABASE_URL the key ring is never made by the server.`)
  }
  const file = toGeneratedFile(config)
  const text = await readIfThere(file)
  return text === undefined ? undefined : parseKeyRing(text, file)
}

/**
 * The ring as its file says it now.
 * @throws ConfigError; also where the ring is a variable, which a process cannot read again
 */
export async function readKeyRingAgain (config: KeyRingConfig): Promise<KeyRing> {
  const { masterKey, masterKeyFile } = config
  if (masterKey !== undefined && masterKeyFile === undefined) {
    throw new ConfigError('MASTER_KEY is read at start only. Restart the server with the new ring, or keep it in ' +
      'MASTER_KEY_FILE, which is read again on SIGHUP.')
  }
  const file = masterKeyFile ?? toGeneratedFile(config)
  const text = await readIfThere(file)
  if (text === undefined) throw new ConfigError(`${file} is missing; it holds the master key. Put it back.`)
  return parseKeyRing(text, masterKeyFile ? toSource(file) : file)
}

/** @throws ConfigError where the ring lacks the kid */
export function keyOf (ring: KeyRing, kid: string, cause?: unknown): Buffer {
  const key = ring.keys.get(kid)
  if (!key) throw new ConfigError(explainMissing(ring, kid), { cause })
  return key
}

export function explainMissing ({ source }: KeyRing, kid: string): string {
  return `The database holds keys that the master key ${kid} wrapped, and ${source} lacks it. ` +
    `Put the line ${kid}:… back into it; without that key the stored credentials cannot be opened.`
}

const toSource = (file: string) => `MASTER_KEY_FILE (${file})`
const toGeneratedFile = ({ dataDir }: Pick<Config, 'dataDir'>) => join(dataDir, 'master.key')

async function generate (dataDir: string, file: string): Promise<KeyRing> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const line = createRingLine()
  try {
    const handle = await open(file, 'wx', 0o600)
    await handle.writeFile(line).then(() => handle.sync()).finally(() => handle.close())
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return parseKeyRing(await readFile(file, 'utf8'), file)
    throw new ConfigError(`DATA_DIR/master.key cannot be written (${code}): make ${dataDir} writable, or set ${VARIABLES}.`)
  }
  return { ...parseKeyRing(line, file), isNew: true }
}

async function readIfThere (file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new ConfigError(`${file} cannot be read (${code}); it holds the master key.`)
  }
}
