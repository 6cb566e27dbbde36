import { constants, readFileSync } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { ConfigError, type Config } from '../../config.ts'
import { EmbeddedError } from '../../db/embedded/index.ts'
import { toPaths } from '../../db/embedded/paths.ts'
import { openTls } from '../../tls.ts'
import { fail, ok, reasonOf, warn, type Finding } from './finding.ts'

type Settings = Pick<Config,
  'dataDir' | 'databaseUrl' | 'databasePasswordFile' | 'masterKeyFile' | 'masterKey' | 'auditFile' | 'tls' | 'publicUrl'>

const [LITTLE_BYTES, LEAST_BYTES] = [1024 ** 3, 100 * 1024 ** 2]
const DAY_MS = 86_400_000
const SOON_DAYS = 14
/** What nobody but the owner, and the owner's group to read, should have of a file with keys. */
const OTHERS = 0o027
/** Secrets of a container: nobody else is in it, and the files are open to whichever user it runs as. */
const MOUNTED = /^\/run\/secrets\//
const WRITERS = 0o022

/** The files and folders that the server reads and writes: who may, and whether there is room. */
export async function checkFiles (config: Settings): Promise<Finding[]> {
  const keyFile = config.masterKeyFile ?? (config.masterKey === undefined ? join(config.dataDir, 'master.key') : undefined)
  return [
    ...config.databaseUrl === undefined ? await checkDataDir(config.dataDir) : [],
    ...keyFile === undefined ? [] : await checkSecretFile('master key', keyFile),
    ...config.databasePasswordFile === undefined ? [] : await checkSecretFile('DATABASE_PASSWORD_FILE', config.databasePasswordFile),
    ...config.auditFile === undefined ? [] : await checkAuditFile(config.auditFile),
    ...config.tls ? [...checkCertificate(config.tls, config.publicUrl), ...await checkSecretFile('TLS_KEY_FILE', config.tls.keyFile)] : []
  ]
}

async function checkDataDir (dataDir: string): Promise<Finding[]> {
  const check = 'DATA_DIR'
  try {
    toPaths(dataDir)
  } catch (error) {
    if (!(error instanceof EmbeddedError)) throw error
    return [fail(check, error.message)]
  }
  const there = await nearest(dataDir)
  const refused = await refusalOf(there, constants.W_OK | constants.X_OK)
  if (refused) {
    return [fail(check, `${there} cannot be written by this user (${refused}). Give it to the user that runs the server, ` +
      'or choose another DATA_DIR.')]
  }
  const space = judgeSpace(await freeBytes(there))
  if (there !== dataDir) return [ok(check, `${dataDir} is made at the first start.`), space]
  const { mode } = await stat(dataDir)
  const readers = mode & 0o066
  return [
    readers
      ? warn(check, `Others may read ${dataDir} (mode ${toMode(mode)}), which holds the database. Close it: chmod 700 ${dataDir}`)
      : ok(check, `${dataDir} is the server's own.`),
    space
  ]
}

/** @param free in bytes, where the database grows */
export function judgeSpace (free: number): Finding {
  const check = 'disk'
  const size = free < LITTLE_BYTES ? `${Math.floor(free / 1024 ** 2)} MB` : `${(free / 1024 ** 3).toFixed(1)} GB`
  const advice = 'Postgres stops where the disk is full. Make room, or let old audit events go: AUDIT_RETENTION_DAYS.'
  if (free < LEAST_BYTES) return fail(check, `${size} are free for DATA_DIR. ${advice}`)
  if (free < LITTLE_BYTES) return warn(check, `${size} are free for DATA_DIR. ${advice}`)
  return ok(check, `${size} are free for DATA_DIR.`)
}

async function checkSecretFile (check: string, file: string): Promise<Finding[]> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => error)
  // A ring that DATA_DIR lacks is made at the first start; the check of the keys knows whether it was needed.
  if (found instanceof Error) return found.code === 'ENOENT' ? [] : [fail(check, `${file} cannot be read: ${found.code}.`)]
  const refused = await refusalOf(file, constants.R_OK)
  if (refused) return [fail(check, `${file} cannot be read by this user (${refused}).`)]
  return [judgeSecretMode(check, file, found.mode)]
}

/** What is said of a file with keys by who else may open it. */
export function judgeSecretMode (check: string, file: string, mode: number): Finding {
  return mode & (MOUNTED.test(file) ? WRITERS : OTHERS)
    ? fail(check, `Others may read or change ${file} (mode ${toMode(mode)}). Close it: chmod 600 ${file}`)
    : ok(check, `${file} is the server's own (mode ${toMode(mode)}).`)
}

async function checkAuditFile (file: string): Promise<Finding[]> {
  const check = 'AUDIT_FILE'
  const exists = await refusalOf(file, constants.F_OK) === undefined
  const place = exists ? file : dirname(file)
  const refused = await refusalOf(place, exists ? constants.W_OK : constants.W_OK | constants.X_OK)
  return [refused
    ? fail(check, `${place} cannot be written by this user (${refused}): audit events wait, and are dropped in the end.`)
    : ok(check, `${file} can be written.`)]
}

function checkCertificate (files: NonNullable<Config['tls']>, publicUrl: string | undefined): Finding[] {
  const check = 'TLS_CERT_FILE'
  let expiresAt: Date
  try {
    expiresAt = openTls(files).expiresAt()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [fail(check, error.message)]
  }
  const name = new URL(publicUrl ?? 'https://localhost').hostname.replace(/^\[(.*)\]$/, '$1')
  const certificate = new X509Certificate(readFileSync(files.certFile))
  const isFor = isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)
  return [
    judgeExpiry(expiresAt, new Date()),
    ...isFor === undefined
      ? [warn(check, `The certificate is not for ${name}, which clients use: they will refuse it. It is for ${certificate.subjectAltName ?? 'nobody'}.`)]
      : []
  ]
}

/** What is said of a certificate by its end. */
export function judgeExpiry (expiresAt: Date, now: Date): Finding {
  const check = 'TLS_CERT_FILE'
  const days = Math.floor((expiresAt.getTime() - now.getTime()) / DAY_MS)
  const advice = 'Put a new one in place, and send the server SIGHUP.'
  if (days < 0) return fail(check, `The certificate expired at ${expiresAt.toISOString()}. ${advice}`)
  if (days < SOON_DAYS) return warn(check, `The certificate expires in ${days} days. ${advice}`)
  return ok(check, `The certificate is good for ${days} days.`)
}

/** The folder itself, or the next one above it that exists. */
async function nearest (folder: string): Promise<string> {
  const above = dirname(folder)
  return folder === above || await refusalOf(folder, constants.F_OK) === undefined ? folder : nearest(above)
}

/** Why the file system does not let this user; undefined where it does. */
async function refusalOf (path: string, mode: number): Promise<string | undefined> {
  try {
    await access(path, mode)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? reasonOf(error)
  }
}

async function freeBytes (folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

const toMode = (mode: number) => (mode & 0o777).toString(8).padStart(4, '0')
