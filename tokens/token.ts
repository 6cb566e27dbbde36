import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** `st` a session's token, `ot` a one-time token, `ad` an admin's token. */
export type TokenKind = 'st' | 'ot' | 'ad'

export interface ParsedToken {
  kind: TokenKind
  /** A uuid with dashes: the row that the token stands for. Public. */
  id: string
  /** All that may be shown of the rest. */
  lastFour: string
}

/** Finds tokens in a text: for secret scanners and for masking. */
export const TOKEN_PATTERN = /fmcp_(?:st|ot|ad)_[0-9a-f]{32}_[0-9A-Za-z]{49}/

const EXACT = /^fmcp_(st|ot|ad)_([0-9a-f]{32})_[0-9A-Za-z]{49}$/
const LENGTH = 'fmcp_st_'.length + 32 + 1 + 43 + 6
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Makes a new token of 256 random bits that names `id`, a uuid. */
export function createToken (kind: TokenKind, id: string): string {
  const secret = toBase62(BigInt(`0x${randomBytes(32).toString('hex')}`), 43)
  const body = `fmcp_${kind}_${id.replaceAll('-', '').toLowerCase()}_${secret}`
  return body + checksum(body)
}

/** Reads a token's shape without any I/O; null where it cannot be one of ours. Says nothing about its validity. */
export function parseToken (text: string): ParsedToken | null {
  if (text.length !== LENGTH) return null
  const [, kind, hex] = EXACT.exec(text) ?? []
  if (!kind || !hex || checksum(text.slice(0, -6)) !== text.slice(-6)) return null
  return { kind: kind as TokenKind, id: toUuid(hex), lastFour: text.slice(-4) }
}

const checksum = (body: string) => toBase62(BigInt(crc32(body)), 6)
const toUuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')

function toBase62 (value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text
  return text
}
