import type { Command } from 'commander'
import { IdSchema } from '../schemas/control.ts'
import { RotationRequestSchema } from '../schemas/sessions.ts'
import { assertShape, findConnection, toTtl, type Ttl } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { UsageError } from './error.ts'
import { addOneTimeTokenCommand } from './one-time-tokens.ts'
import { printFields, printJson, printTable } from './output.ts'
import { addLimitOptions, toPatch, toRequest, type LimitOptions } from './session-options.ts'

interface Options { json?: true }

interface RevokeOptions extends Options { connection?: string, all?: true }

/** `fmcp session create|list|update|rotate|revoke|one-time` */
export function addSessionCommands (program: Command, cli: Cli): void {
  const command = program.command('session').description('What a client presents to use a connection')
  addCreate(command, cli)
  addList(command, cli)
  addUpdate(command, cli)
  addRotate(command, cli)
  addRevoke(command, cli)
  addOneTimeTokenCommand(command, cli)
}

function addCreate (command: Command, { io, use }: Cli): void {
  addLimitOptions(command.command('create').description('Create a session; its token is printed this once')
    .argument('<connection>', 'name or id')
    .option('--ttl <duration>', 'seconds, or 12h, 30d, never; default 90d', toTtl))
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, options: Options & LimitOptions & { ttl?: Ttl }) => {
      const request = toRequest(options)
      const session = await use(async app => app.sessions.create((await findConnection(app, nameOrId)).id, request, by))
      if (options.json) return printJson(io, session)
      const { session_id: id, expires_at: expires, access_token: token } = session
      printFields(io, { session_id: id, expires_at: expires, access_token: token })
    })
}

function addList (command: Command, { io, use }: Cli): void {
  command.command('list').description('List the sessions of a connection')
    .argument('<connection>', 'name or id')
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, { json }: Options) => {
      const sessions = await use(async app => app.sessions.list((await findConnection(app, nameOrId)).id))
      if (json) return printJson(io, sessions)
      printTable(io, ['ID', 'NAME', 'STATE', 'TOKEN', 'EXPIRES', 'LAST USED', 'CLIENT'], sessions.map(session => [
        session.session_id, session.name, session.state, `…${session.token_last_four}`, session.expires_at,
        session.last_used_at, session.client_name
      ]))
    })
}

function addUpdate (command: Command, { io, use }: Cli): void {
  addLimitOptions(command.command('update')
    .description('Change a session; other limits come with a new token, which is printed this once')
    .argument('<session>', 'id'))
    .option('--unlimited', 'take away all limits that are not named here')
    .option('--json', 'print JSON only')
    .action(async (text: string, options: Options & LimitOptions & { unlimited?: true }) => {
      const id = assertShape(IdSchema, text)
      const session = await use(async app => {
        const { scope } = await app.sessions.get(id)
        return app.sessions.update(id, toPatch(options, scope, options.unlimited), by)
      })
      if (options.json) return printJson(io, session)
      const { name, idle_seconds: idle, scope, access_token: token } = session
      const fields = { session_id: id, name, idle_seconds: idle, scope: JSON.stringify(scope) }
      printFields(io, { ...fields, ...(token && { access_token: token }) })
    })
}

function addRotate (command: Command, { io, use }: Cli): void {
  command.command('rotate').description('Give a session a new token, which is printed this once')
    .argument('<session>', 'id')
    .option('--grace <duration>', 'for how long the former token is taken too, at most 7d; default 0', toTtl)
    .option('--json', 'print JSON only')
    .action(async (text: string, { grace = 0, json }: Options & { grace?: Ttl }) => {
      const id = assertShape(IdSchema, text)
      const { grace_seconds: graceSeconds = 0 } = assertShape(RotationRequestSchema, { grace_seconds: grace })
      const session = await use(app => app.sessions.rotate(id, { graceSeconds }, by))
      if (json) return printJson(io, session)
      const { previous_expires_at: previous, access_token: token } = session
      printFields(io, { session_id: id, former_token_ends_at: previous, access_token: token })
    })
}

function addRevoke (command: Command, { io, use }: Cli): void {
  command.command('revoke').description('Revoke a session, or many: their tokens are refused from now on')
    .argument('[session]', 'id')
    .option('--connection <connection>', 'all sessions of the connection, by name or id')
    .option('--all', 'all sessions of all connections')
    .option('--json', 'print JSON only')
    .action(async (text: string | undefined, { connection, all, json }: RevokeOptions) => {
      if ([text, connection, all].filter(Boolean).length !== 1) {
        throw new UsageError('Name one session by its id, or give --connection <connection>, or --all.')
      }
      if (text !== undefined) {
        const id = assertShape(IdSchema, text)
        await use(app => app.sessions.revoke(id, by))
        if (json) printJson(io, { session_id: id, revoked: true })
        else io.stdout.write('Revoked the session.\n')
        return
      }
      const revoked = await use(async app =>
        app.sessions.revokeAll(connection === undefined ? undefined : (await findConnection(app, connection)).id, by))
      if (json) printJson(io, { revoked })
      else io.stdout.write(`Revoked ${revoked} ${revoked === 1 ? 'session' : 'sessions'}.\n`)
    })
}
