import type { Command } from 'commander'
import { IdSchema, SessionRequestSchema } from '../schemas/control.ts'
import { assertShape, findConnection, toTtl, toTtlSeconds, type Ttl } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson, printTable } from './output.ts'

interface Options { json?: true }

interface CreateOptions extends Options { name?: string, ttl?: Ttl, answerTokens?: string }

/** `5000`, or `none`; what is neither is left to the schema to refuse. */
const toCount = (text: string) => text === 'none' ? null : Number(text)

/** `fmcp session create|list|revoke` */
export function addSessionCommands (program: Command, { io, use }: Cli): void {
  const command = program.command('session').description('What a client presents to use a connection')

  command.command('create').description('Create a session; its token is printed this once')
    .argument('<connection>', 'name or id')
    .option('--name <name>', 'what it is for')
    .option('--ttl <duration>', 'seconds, or 12h, 30d, never; default 90d', toTtl)
    .option('--answer-tokens <count>', 'most tokens of one answer, or none for no limit; default 8000')
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, { name, ttl, answerTokens, json }: CreateOptions) => {
      const request = assertShape(SessionRequestSchema, {
        ...(name !== undefined && { name }),
        ...toTtlSeconds(ttl),
        ...(answerTokens !== undefined && { scope: { answer_tokens: toCount(answerTokens) } })
      })
      const session = await use(async app => app.sessions.create((await findConnection(app, nameOrId)).id, request, by))
      if (json) return printJson(io, session)
      const { session_id: id, expires_at: expires, access_token: token } = session
      printFields(io, { session_id: id, expires_at: expires, access_token: token })
    })

  command.command('list').description('List the sessions of a connection')
    .argument('<connection>', 'name or id')
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, { json }: Options) => {
      const sessions = await use(async app => app.sessions.list((await findConnection(app, nameOrId)).id))
      if (json) return printJson(io, sessions)
      printTable(io, ['ID', 'NAME', 'TOKEN', 'EXPIRES', 'LAST USED', 'REVOKED'], sessions.map(session => [
        session.session_id, session.name, `…${session.token_last_four}`, session.expires_at, session.last_used_at, session.revoked_at
      ]))
    })

  command.command('revoke').description('Revoke a session: its token is refused from now on')
    .argument('<session>', 'id')
    .option('--json', 'print JSON only')
    .action(async (text: string, { json }: Options) => {
      const id = assertShape(IdSchema, text)
      await use(app => app.sessions.revoke(id, by))
      if (json) printJson(io, { session_id: id, revoked: true })
      else io.stdout.write('Revoked the session.\n')
    })
}
