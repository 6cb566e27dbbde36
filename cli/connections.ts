import type { Command } from 'commander'
import { ConnectionRequestSchema } from '../schemas/control.ts'
import { assertShape, findConnection } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson, printTable } from './output.ts'

interface Options { json?: true }

/** `fmcp connection create|list|delete` */
export function addConnectionCommands (program: Command, { io, use }: Cli): void {
  const command = program.command('connection').description('Profiles that hold provider keys')

  command.command('create').description('Create a connection').argument('<name>')
    .option('--json', 'print JSON only')
    .action(async (name: string, { json }: Options) => {
      const request = assertShape(ConnectionRequestSchema, { name })
      const connection = await use(app => app.connections.create(request, by))
      if (json) printJson(io, connection)
      else printFields(io, { id: connection.id, name: connection.name })
    })

  command.command('list').description('List the connections')
    .option('--json', 'print JSON only')
    .action(async ({ json }: Options) => {
      const connections = await use(app => app.connections.list())
      if (json) return printJson(io, connections)
      printTable(io, ['NAME', 'ID', 'KEYS', 'CREATED'], connections.map(({ name, id, credentials, created_at: created }) =>
        [name, id, credentials.map(({ provider }) => provider).join(',') || null, created]))
    })

  command.command('delete').description('Delete a connection, its keys for good, and its sessions')
    .argument('<connection>', 'name or id')
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, { json }: Options) => {
      const { id, name } = await use(async app => {
        const connection = await findConnection(app, nameOrId)
        await app.connections.delete(connection.id, by)
        return connection
      })
      if (json) printJson(io, { id, name, deleted: true })
      else io.stdout.write(`Deleted the connection "${name}".\n`)
    })
}
