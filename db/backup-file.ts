/**
 * A backup: gzipped lines of JSON. The first is the header; then, for each table, `["table", name]` and an object a
 * row, as Postgres makes it of a row; the last is `["end", …]` with how many rows each table has, the SHA-256 of all
 * lines before it, and its HMAC under the key of the audit log.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { lengthPrefixed } from '../vault/envelope.ts'

export const FORMAT = 'financial-mcp-server-backup'
export const FORMAT_VERSION = 1

export interface BackupHeader {
  format: typeof FORMAT
  version: typeof FORMAT_VERSION
  /** Of the server that made it. */
  server: string
  created_at: string
  /** The schema, as the names of its migrations. */
  migrations: string[]
  /** The master keys that open what is in it. */
  kids: string[]
}

export interface BackupEnd {
  /** Rows by table. */
  counts: Record<string, number>
  /** In hex, as is the mac. */
  sha256: string
  mac: string
}

/** Where a table's rows begin, one of them as JSON, or the end. */
export type BackupPart =
  { kind: 'header', header: BackupHeader } |
  { kind: 'row', table: string, json: string } |
  { kind: 'end', end: BackupEnd }

/** What cannot be restored or written, and what to do. */
export class BackupError extends Error {}

/** The digest of what was written, line by line. */
export function createDigest () {
  const hash = createHash('sha256')
  return {
    add (line: string): string {
      const text = `${line}\n`
      hash.update(text)
      return text
    },
    end: () => hash.digest('hex')
  }
}

export const signBackup = (key: Buffer, sha256: string) =>
  createHmac('sha256', key).update(lengthPrefixed(['backup', sha256])).digest('hex')

export function isSignedBackup (key: Buffer, { sha256, mac }: BackupEnd): boolean {
  const [given, own] = [Buffer.from(mac), Buffer.from(signBackup(key, sha256))]
  return given.length === own.length && timingSafeEqual(given, own)
}

/**
 * Reads it from the first line to the last, which it must have, with as many rows as that says. Who may have made it
 * is not known before the end.
 * @throws BackupError
 */
export async function * readBackup (file: string): AsyncGenerator<BackupPart> {
  try {
    yield * parse(readLines(file))
  } catch (error) {
    if (error instanceof BackupError) throw error
    const { code, message, syscall } = error as NodeJS.ErrnoException
    if (syscall) throw new BackupError(`${file} cannot be read (${code}).`, { cause: error })
    throw new BackupError(`${file} is no backup, or it was cut off or changed (${message}). Take another one.`,
      { cause: error })
  }
}

async function * parse (lines: AsyncIterable<string>): AsyncGenerator<BackupPart> {
  const digest = createDigest()
  const counts: Record<string, number> = {}
  let table: string | undefined
  let end: BackupEnd | undefined
  let isFirst = true
  for await (const line of lines) {
    if (end) throw new Error('there is more behind its end')
    if (isFirst) yield { kind: 'header', header: parseHeader(line) }
    else if (line.startsWith('["end"')) end = parseEnd(line)
    else if (line.startsWith('[')) counts[table = parseTable(line)] = 0
    else if (table !== undefined) {
      counts[table] = (counts[table] ?? 0) + 1
      yield { kind: 'row', table, json: line }
    }
    if (!end) digest.add(line)
    isFirst = false
  }
  if (!end) throw new Error('it has no end')
  const isWhole = digest.end() === end.sha256 && JSON.stringify(counts) === JSON.stringify(end.counts)
  if (!isWhole) throw new Error('its sum is wrong')
  yield { kind: 'end', end }
}

function parseHeader (line: string): BackupHeader {
  const header = JSON.parse(line) as BackupHeader
  if (header.format !== FORMAT) throw new Error('it does not begin as one')
  if (header.version !== FORMAT_VERSION) {
    throw new BackupError(`The backup has the format ${header.version}; this server knows ${FORMAT_VERSION}. ` +
      `Restore it with the server that made it, ${header.server}, or a later one.`)
  }
  return header
}

const parseTable = (line: string) => String((JSON.parse(line) as string[])[1])

function parseEnd (line: string): BackupEnd {
  const [, end] = JSON.parse(line) as [string, BackupEnd]
  if (typeof end?.mac !== 'string' || typeof end.sha256 !== 'string') throw new Error('its end is none')
  return end
}

async function * readLines (file: string): AsyncGenerator<string> {
  const text = createGunzip().setEncoding('utf8')
  // The loop below gets the error of either.
  pipeline(createReadStream(file), text).catch(() => {})
  let rest = ''
  for await (const chunk of text as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield * lines
  }
  if (rest) throw new Error('its last line is not whole')
}
