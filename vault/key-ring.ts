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
  /** Where the operator finds it, for messages: the variables, or the generated file. */
  source: string
  /** True where this start made it. */
  isNew: boolean
}

const VARIABLES = 'MASTER_KEY_FILE (or MASTER_KEY)'
const KID = /^[A-Za-z0-9._-]{1,64}$/
const BASE64_32 = /^[A-Za-z0-9+/_-]{43}=?$/

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
    if (!KID.test(kid) || !BASE64_32.test(encoded) || rest.length > 0) {
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
export async function loadKeyRing (
  config: Pick<Config, 'masterKey' | 'databaseUrl' | 'dataDir'>, storedKids: readonly string[] = []
): Promise<KeyRing> {
  const ring = config.masterKey === undefined
    ? await loadGenerated(config, storedKids)
    : parseKeyRing(config.masterKey)
  for (const kid of storedKids) keyOf(ring, kid)
  return ring
}

/** @throws ConfigError where the ring lacks the kid */
export function keyOf (ring: KeyRing, kid: string): Buffer {
  const key = ring.keys.get(kid)
  if (!key) {
    throw new ConfigError(`The database holds keys that the master key ${kid} wrapped, and ${ring.source} lacks it. ` +
      `Put the line ${kid}:… back into it; without that key the stored credentials cannot be opened.`)
  }
  return key
}

async function loadGenerated (
  { databaseUrl, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>, storedKids: readonly string[]
): Promise<KeyRing> {
  if (databaseUrl !== undefined) {
    throw new ConfigError(`Set ${VARIABLES}: with DATABASE_URL the key ring is never made by the server.`)
  }
  const file = join(dataDir, 'master.key')
  const text = await readIfThere(file)
  if (text !== undefined) return parseKeyRing(text, file)
  if (storedKids.length > 0) {
    throw new ConfigError(`${file} is missing, and the database holds keys that the master key ${storedKids[0]} ` +
      `wrapped. Put the file back, or set ${VARIABLES} to it; it is not made anew where data exists.`)
  }
  return generate(dataDir, file)
}

async function generate (dataDir: string, file: string): Promise<KeyRing> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const line = `k${randomBytes(4).toString('hex')}:${randomBytes(32).toString('base64')}\n`
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
