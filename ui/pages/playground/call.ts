import { answer, api } from '../../api/client.ts'
import type { Trial } from '../../api/types.ts'

export type Arguments = Record<string, unknown>

/** One call that was answered. */
export interface Answered { args: Arguments, trial: Trial }

/** Calls a tool over a connection, in the admin's name. @throws ProblemError, ServerAway */
export const callTool = (connectionId: string, name: string, args: Arguments): Promise<Trial> =>
  answer(api.POST('/api/connections/{id}/tools/{name}', { params: { path: { id: connectionId, name } }, body: args }))
