import { promisify } from 'node:util'
import { deflate, inflate, inflateSync } from 'node:zlib'
import type { CacheEntry } from './driver.ts'

/** Most that one entry may take where it is stored, after compression. */
export const MOST_BYTES = 1024 * 1024
/** JSON below this is not worth the compressor's time. */
const COMPRESS_ABOVE = 8 * 1024
/** JSON above this is not compressed to see whether it fits, and nothing stored may grow beyond it. */
const MOST_JSON = 16 * 1024 * 1024
/** Half the time of the default 6 on bars and statements, for a fiftieth more of their size. */
const LEVEL = 3
/** Up to here a turn through the thread pool takes longer than to expand it at once. */
const EXPAND_AT_ONCE = 16 * 1024
const HEADER = /^(\d+) (\d+) (\d+) (\d+) ([jz])$/
/** The longest header, and the mark before it. */
const MOST_HEADER = 96
/** Stands before everything that is stored: a value without it is somebody else's. */
export const MARK = 'fmcp1 '

const LIMIT = { maxOutputLength: MOST_JSON }

const compress = promisify<Buffer, { level: number }, Buffer>(deflate)
const expand = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate)

/** The value as JSON text. */
export const toJson = (value: unknown): string => JSON.stringify(value) ?? 'null'

/**
 * An entry as bytes: its three instants, `j` or `z` (plain or deflated), a line feed, and JSON. The store puts `MARK`
 * and the fence before them.
 * @returns undefined where it is over the cap
 */
export async function encode (entry: CacheEntry): Promise<Buffer | undefined> {
  const plain = Buffer.from(toJson(entry.value))
  if (plain.length > MOST_JSON) return undefined
  const isLarge = plain.length > COMPRESS_ABOVE
  const body = isLarge ? await compress(plain, { level: LEVEL }) : plain
  if (body.length + MOST_HEADER > MOST_BYTES) return undefined
  const instants = [entry.stored_at, entry.fresh_until, entry.expires_at].map(Math.round).join(' ')
  return Buffer.concat([Buffer.from(`${instants} ${isLarge ? 'z' : 'j'}\n`), body])
}

/** Reads what `encode` made, with `MARK` and fence; undefined for anything else. */
export async function decode (bytes: Buffer): Promise<CacheEntry | undefined> {
  const end = bytes.subarray(0, MOST_HEADER).indexOf('\n')
  const start = bytes.toString('latin1', 0, Math.max(0, end))
  const header = start.startsWith(MARK) ? HEADER.exec(start.slice(MARK.length)) : null
  if (!header) return undefined
  const [, , storedAt, freshUntil, expiresAt, form] = header
  try {
    const body = bytes.subarray(end + 1)
    return {
      value: JSON.parse((form === 'z' ? await toPlain(body) : body).toString()),
      stored_at: Number(storedAt),
      fresh_until: Number(freshUntil),
      expires_at: Number(expiresAt)
    }
  } catch {
    return undefined
  }
}

function toPlain (body: Buffer): Buffer | Promise<Buffer> {
  return body.length <= EXPAND_AT_ONCE ? inflateSync(body, LIMIT) : expand(body, LIMIT)
}
