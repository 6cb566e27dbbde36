import { hash } from 'node:crypto'
import type { CacheKey } from './driver.ts'

/** `cache:<owner>:<tool>:<args_hash>`, the hash over canonical JSON: the order of arguments does not matter. */
export function toKey ({ owner_id: owner, tool, args }: CacheKey): string {
  return `cache:${owner}:${tool}:${hashOf(args)}`
}

/** 192 bits that tell two objects apart, whatever the order of their members. */
export function hashOf (value: object): string {
  return hash('sha256', canonicalJson(value), 'base64url').slice(0, 32)
}

function canonicalJson (value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined).sort(([a], [b]) => a < b ? -1 : 1)
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`
}
