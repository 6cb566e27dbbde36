import type { Redis } from 'ioredis'
import { openRedis } from '../../plugins/redis.ts'
import { fail, ok, reasonOf, warn, type Finding } from './finding.ts'

const LEAST_VERSION = [6, 2]
const FULL = 0.9

/** Each node of Redis: whether it is what the cache and the ledger need. */
export async function checkRedis (urls: string[]): Promise<Finding[]> {
  const check = 'redis'
  if (urls.length === 0) return [ok(check, 'Not used: Postgres keeps the cache and the quota ledger.')]
  let reason = 'it does not answer'
  const log = { info: () => {}, warn (fields: { reason: string }) { ({ reason } = fields) } }
  const { link, dialled, close } = openRedis(urls, log)
  try {
    await dialled
    if (link.state() === 'down') {
      return [fail(check, `Redis cannot be used at REDIS_URL (${reason}). The server runs without it, and each replica counts ` +
        'and caches alone. Check REDIS_URL, and that Redis runs.')]
    }
    return (await Promise.all(link.nodes().map(checkNode))).flat()
  } finally {
    await close()
  }
}

async function checkNode (node: Redis): Promise<Finding[]> {
  const check = 'redis'
  let info: Map<string, string>
  try {
    info = toFields(await node.info())
  } catch (error) {
    return [warn(check, `It does not let itself be examined (${reasonOf(error)}): let its user run INFO.`)]
  }
  return judgeInfo(info)
}

/** @param info the fields of Redis' INFO */
export function judgeInfo (info: Map<string, string>): Finding[] {
  const findings = [...judgeVersion(info), ...judgeMemory(info), ...judgePersistence(info)]
  return findings.length ? findings : [ok('redis', `Redis ${info.get('redis_version')}, with an append-only file.`)]
}

const toFields = (text: string) => new Map(text.split(/\r?\n/).flatMap(line => {
  const [name, ...value] = line.split(':')
  return name && value.length ? [[name, value.join(':')] as const] : []
}))

function judgeVersion (info: Map<string, string>): Finding[] {
  const version = info.get('redis_version') ?? ''
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = LEAST_VERSION
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return []
  return [fail('redis', `Redis ${version} is too old: ${LEAST_VERSION.join('.')} or later is needed.`)]
}

function judgeMemory (info: Map<string, string>): Finding[] {
  const check = 'redis memory'
  const policy = info.get('maxmemory_policy') ?? 'noeviction'
  const [most, used] = [Number(info.get('maxmemory') ?? 0), Number(info.get('used_memory') ?? 0)]
  if (policy.startsWith('allkeys')) {
    return [fail(check, `maxmemory-policy ${policy} may take the index of the cache, and what should have been dropped stays. ` +
      'Set volatile-lru.')]
  }
  if (most > 0 && policy === 'noeviction') {
    return [warn(check, 'maxmemory is set with noeviction: where it is full nothing more is cached or counted. Set volatile-lru.')]
  }
  if (most > 0 && used > most * FULL) {
    return [warn(check, `${Math.round(used / most * 100)} % of maxmemory are used: answers are put out early. Raise maxmemory.`)]
  }
  return []
}

function judgePersistence (info: Map<string, string>): Finding[] {
  const check = 'redis file'
  if (info.get('aof_enabled') !== '1') {
    return [warn(check, 'appendonly is off: the quota that was used is forgotten where Redis restarts. Set appendonly yes.')]
  }
  if (info.get('aof_last_write_status') !== 'ok') {
    return [fail(check, 'Redis cannot write its append-only file. Look at its log, and at its disk.')]
  }
  return []
}
