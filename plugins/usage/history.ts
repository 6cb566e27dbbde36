import type { Kysely } from 'kysely'
import type { Database } from '../../db/types.ts'
import { NO_SESSION, sumUsage, type UsageSum } from '../../db/usage.ts'
import type { UsageFigures, UsageHistory, UsageQuery, UsageRange } from '../../schemas/usage-history.ts'
import { toQuantile } from '../../db/usage-latency.ts'

/** How each range is cut: parts of so many seconds. */
const RANGES: Record<UsageRange, { parts: number, stepSeconds: number }> = {
  hour: { parts: 60, stepSeconds: 60 },
  day: { parts: 96, stepSeconds: 900 },
  week: { parts: 168, stepSeconds: 3600 }
}
const MOST_SESSIONS = 100
/**
 * Of the text that MCP hands to the model. Against o200k, over the sample market's answers, it is between 1.7 (series
 * of numbers) and 3.3 (news, profiles), and 1.95 over all.
 */
const CHARACTERS_PER_TOKEN = 2

/** Reads what is stored. @param now the end of the range is the end of the part that it is in */
export async function readUsageHistory (
  db: Kysely<Database>, { range = 'day', ...filter }: UsageQuery, now = new Date()
): Promise<UsageHistory> {
  const { parts, stepSeconds } = RANGES[range]
  const stepMs = stepSeconds * 1000
  const end = (Math.floor(now.getTime() / stepMs) + 1) * stepMs
  const begin = end - parts * stepMs
  const sums = await sumUsage(db, { from: new Date(begin), to: new Date(end), stepSeconds }, filter)
  const of = (by: UsageSum['by']) => sums.filter(sum => sum.by === by)
  const byTime = new Map(of('time').map(sum => [sum.at!.getTime(), sum]))
  return {
    range,
    from: new Date(begin).toISOString(),
    to: new Date(end).toISOString(),
    step_seconds: stepSeconds,
    total: toFigures(of('all')[0]),
    series: Array.from({ length: parts }, (_, i) => {
      const at = begin + i * stepMs
      return { at: new Date(at).toISOString(), ...toFigures(byTime.get(at)) }
    }),
    by_tool: busiest(of('tool')).map(sum => ({ tool: sum.tool!, ...toFigures(sum) })),
    by_session: await nameSessions(db, busiest(of('session')).slice(0, MOST_SESSIONS)),
    errors: busiest(of('outcome')).filter(({ outcome }) => outcome !== 'ok')
      .map(({ outcome, calls }) => ({ code: outcome!, calls }))
  }
}

const busiest = (sums: UsageSum[]) => sums.sort((a, b) => b.calls - a.calls)

function toFigures (sum: UsageSum | undefined): UsageFigures {
  const { calls = 0, failed = 0, hits = 0, characters = 0, latency = [] } = sum ?? {}
  const answered = calls - failed
  return {
    calls,
    failed,
    hits,
    hit_ratio: answered > 0 ? Math.round(hits / answered * 1000) / 1000 : null,
    p50_ms: toQuantile(latency, 0.5),
    p95_ms: toQuantile(latency, 0.95),
    tokens_estimated: Math.ceil(characters / CHARACTERS_PER_TOKEN)
  }
}

/** What is gone keeps its figures, and has no name. */
async function nameSessions (db: Kysely<Database>, sums: UsageSum[]): Promise<UsageHistory['by_session']> {
  const ids = <K extends 'session_id' | 'connection_id'>(column: K) => [...new Set(sums.map(sum => sum[column]!))]
  const names = async (table: 'sessions' | 'connections', wanted: string[]) => {
    const rows = wanted.length === 0
      ? []
      : await db.selectFrom(table).select(['id', 'name']).where('id', 'in', wanted).execute()
    return new Map(rows.map(({ id, name }) => [id, name]))
  }
  const [sessions, connections] = await Promise.all([
    names('sessions', ids('session_id')), names('connections', ids('connection_id'))
  ])
  return sums.map(sum => ({
    connection_id: sum.connection_id!,
    session_id: sum.session_id === NO_SESSION ? null : sum.session_id,
    connection_name: connections.get(sum.connection_id!) ?? null,
    session_name: sessions.get(sum.session_id!) ?? null,
    ...toFigures(sum)
  }))
}
