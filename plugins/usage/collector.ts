import type { FastifyBaseLogger } from 'fastify'
import { NO_SESSION, type UsageMinute } from '../../db/usage.ts'
import { LATENCY_COUNTS, toLatencyIndex } from '../../db/usage-latency.ts'

const PAUSE_MS = 5_000
const BATCH = 1_000
const MOST_WAITING = 20_000
const MINUTE_MS = 60_000

type Recent = Map<string, Map<string, Map<string, UsageMinute>>>

/** Whose calls are counted together. */
export interface CallGroup {
  connection_id: string
  /** Null: an admin's. */
  session_id: string | null
  tool: string
}

/** How one call ended. */
export interface CallEnd {
  /** `ok`, `cancelled`, or a code of the errors table. */
  outcome: string
  hit: boolean
  ms: number
}

export interface UsageCollector {
  count: (group: CallGroup, end: CallEnd) => void
  /** Counts the text of an answer that is counted as `ok`. */
  handOut: (group: CallGroup, characters: number) => void
  /** Writes what is counted so far. A failure is logged and the counts are kept. */
  flush: () => Promise<void>
  close: () => Promise<void>
}

/**
 * Adds calls up in memory, by minute, and writes the sums every five seconds: a process that is killed loses so much.
 * While they cannot be written they are kept, 20,000 rows at most, with one line in the log when that begins and one
 * when it ends.
 * @param store adds the rows to the stored ones, or none of them
 */
export function createUsageCollector (
  store: (rows: readonly UsageMinute[]) => Promise<void>, log: FastifyBaseLogger, pauseMs = PAUSE_MS
): UsageCollector {
  let waiting = new Map<string, UsageMinute>()
  /** Those of the present minute by owner, tool and outcome: a call must not have to put a key together. */
  let recent: Recent = new Map()
  let recentMinute = 0
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined
  let dropped = 0
  let failing = false

  function rowOf (group: CallGroup, outcome: string): UsageMinute | undefined {
    const { connection_id: connectionId, session_id: session, tool } = group
    const owner = session ?? connectionId
    const minute = Math.floor(Date.now() / MINUTE_MS)
    if (minute !== recentMinute) {
      recent = new Map()
      recentMinute = minute
    }
    const known = recent.get(owner)?.get(tool)?.get(outcome)
    if (known) return known
    const key = `${minute} ${owner} ${tool} ${outcome}`
    const row = waiting.get(key) ?? begin(key, minute, group, outcome)
    if (!row) return undefined
    const tools = recent.get(owner) ?? new Map<string, Map<string, UsageMinute>>()
    const outcomes = tools.get(tool) ?? new Map<string, UsageMinute>()
    recent.set(owner, tools.set(tool, outcomes.set(outcome, row)))
    return row
  }

  function begin (key: string, minute: number, group: CallGroup, outcome: string): UsageMinute | undefined {
    if (waiting.size >= MOST_WAITING) return undefined
    const row: UsageMinute = {
      at: new Date(minute * MINUTE_MS).toISOString(),
      connection_id: group.connection_id,
      session_id: group.session_id ?? NO_SESSION,
      tool: group.tool,
      outcome,
      calls: 0,
      hits: 0,
      characters: 0,
      latency: new Array<number>(LATENCY_COUNTS).fill(0)
    }
    waiting.set(key, row)
    timer ??= setTimeout(flush, pauseMs).unref()
    return row
  }

  function count (group: CallGroup, { outcome, hit, ms }: CallEnd): void {
    const row = rowOf(group, outcome)
    if (!row) {
      dropped += 1
      return
    }
    row.calls += 1
    row.hits += hit ? 1 : 0
    row.latency[toLatencyIndex(ms)]! += 1
  }

  function handOut (group: CallGroup, characters: number): void {
    const row = rowOf(group, 'ok')
    if (row) row.characters += characters
  }

  function flush (): Promise<void> {
    writing ??= drain().finally(() => { writing = undefined })
    return writing
  }

  async function drain (): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const rows = [...waiting]
    waiting = new Map()
    recent = new Map()
    try {
      for (; rows.length > 0; rows.splice(0, BATCH)) await store(rows.slice(0, BATCH).map(([, row]) => row))
    } catch (error) {
      keep(rows)
      if (!failing) log.warn({ err: error, rows: rows.length }, 'the usage cannot be stored now; it is kept')
      failing = true
      return
    }
    if (failing) log.info({ ...(dropped && { dropped }) }, 'the usage is stored again')
    failing = false
    dropped = 0
  }

  /** Puts back what was not written, with what came meanwhile. */
  function keep (rows: [string, UsageMinute][]): void {
    const newer = waiting
    waiting = new Map(rows)
    recent = new Map()
    for (const [key, row] of newer) {
      const known = waiting.get(key)
      if (known) add(known, row)
      else waiting.set(key, row)
    }
    timer ??= setTimeout(flush, pauseMs).unref()
  }

  async function close (): Promise<void> {
    await flush()
    clearTimeout(timer)
    if (waiting.size > 0) log.error({ lost: waiting.size }, 'usage was lost: it could not be stored in time')
  }

  return { count, handOut, flush, close }
}

function add (sum: UsageMinute, row: UsageMinute): void {
  sum.calls += row.calls
  sum.hits += row.hits
  sum.characters += row.characters
  row.latency.forEach((count, i) => { sum.latency[i]! += count })
}
