import type { AuditEntry, Connection, ListedSession } from '../../api/types.ts'

export interface Step {
  title: string
  /** What it is for, or what came of it. */
  text: string
  isDone: boolean
  /** Where it is done. */
  link?: { href: string, title: string }
}

/** The server makes one at its first start; that somebody uses it is what counts. */
const isMade = ({ name, first_call_at: at }: ListedSession) => name !== 'first start' || at !== null

/** From nothing to the first call, as far as it has come. */
export function toSteps (connections: Connection[], sessions: ListedSession[], calls: AuditEntry[]): Step[] {
  const own = connections.filter(({ name }) => name !== 'sample')
  const keyed = own.find(({ credentials }) => credentials.length > 0)
  const session = sessions.find(isMade)
  const client = sessions.find(({ last_used_at: at }) => at !== null)
  return [
    {
      title: 'Add a provider key',
      text: keyed ? `“${keyed.name}” has one.` : 'Or skip it: the connection “sample” answers with made-up prices and needs none.',
      isDone: keyed !== undefined,
      link: own[0] ? { href: `/connections/${own[0].id}`, title: 'Add a key' } : { href: '/connections', title: 'Create a connection' }
    },
    {
      title: 'Make a session',
      text: session ? `“${session.name ?? 'A session'}” is there.` : 'Each client gets its own token, which can be ended alone.',
      isDone: session !== undefined,
      link: { href: '/sessions/new', title: 'New session' }
    },
    {
      title: 'Connect a client',
      text: client ? `${client.client_name ?? 'A client'} has come.` : 'The session’s page has the text for Claude, Cursor, VS Code and others.',
      isDone: client !== undefined,
      ...session && { link: { href: `/sessions/${session.session_id}`, title: 'Show how' } }
    },
    {
      title: 'See the first call arrive',
      text: calls[0] ? 'It stands below, as every later one does.' : 'It shows up here by itself.',
      isDone: calls.length > 0
    }
  ]
}
