import type { Command } from 'commander'
import type { FastifyInstance } from 'fastify'
import { problem } from '../errors.ts'
import type { AdminAccount } from '../schemas/admins.ts'
import { NameSchema } from '../schemas/control.ts'
import { assertShape } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson, printTable } from './output.ts'
import { readPassword } from './password.ts'

interface Options { json?: true }

/** `fmcp admin create|list|delete|reset-password|disable-totp` */
export function addAdminCommands (program: Command, { io, use }: Cli): void {
  const command = program.command('admin').description('The admins, who log in by browser')
  const addFor = (name: string, description: string) => command.command(name).description(description)
    .argument('<admin>', 'name or id').option('--json', 'print JSON only')

  command.command('create').description('Create an admin; the password is read from standard input or a hidden prompt')
    .argument('<name>', 'what the admin logs in with').option('--json', 'print JSON only')
    .action(async (text: string, { json }: Options) => {
      const name = assertShape(NameSchema, text)
      const password = await readPassword(io)
      const admin = await use(app => app.admin.createAdmin({ name, password }, by))
      if (json) printJson(io, admin)
      else printFields(io, { id: admin.id, name: admin.name })
    })

  command.command('list').description('List the admins').option('--json', 'print JSON only')
    .action(async ({ json }: Options) => {
      const admins = await use(app => app.admin.listAdmins())
      if (json) return printJson(io, admins)
      printTable(io, ['ID', 'NAME', 'CREATED', 'PASSWORD SET', 'SECOND FACTOR'], admins.map(admin => [
        admin.id, admin.name, admin.created_at, admin.password_set_at, admin.totp ? 'on' : 'off'
      ]))
    })

  addFor('delete', 'Delete an admin and its logins')
    .action(async (nameOrId: string, { json }: Options) => {
      const id = await use(async app => {
        const { id } = await findAdmin(app, nameOrId)
        await app.admin.deleteAdmin(id, by)
        return id
      })
      if (json) printJson(io, { id, deleted: true })
      else io.stdout.write('Deleted the admin. Admin tokens that it made stay: see fmcp admin-token list.\n')
    })

  addFor('reset-password', 'Set a new password, end all logins, forget failed ones')
    .action(async (nameOrId: string, { json }: Options) => {
      const password = await readPassword(io)
      const id = await use(async app => {
        const { id } = await findAdmin(app, nameOrId)
        await app.admin.resetPassword(id, password, by)
        return id
      })
      if (json) printJson(io, { id, password_set: true })
      else io.stdout.write('Set the password. All logins of the admin have ended.\n')
    })

  addFor('disable-totp', 'Turn the second factor off, for an admin who has lost it')
    .action(async (nameOrId: string, { json }: Options) => {
      const id = await use(async app => {
        const { id } = await findAdmin(app, nameOrId)
        await app.admin.removeTotp(id, by)
        return id
      })
      if (json) printJson(io, { id, totp: false })
      else io.stdout.write('Turned the second factor off. The password alone logs in.\n')
    })
}

/** @throws NOT_FOUND */
async function findAdmin (app: FastifyInstance, nameOrId: string): Promise<AdminAccount> {
  const known = await app.admin.listAdmins()
  const found = known.find(({ id }) => id === nameOrId) ?? known.find(({ name }) => name === nameOrId)
  if (found) return found
  const names = known.map(({ name }) => `"${name}"`).join(', ')
  throw problem('NOT_FOUND', `There is no admin "${nameOrId}". ${names ? `There are: ${names}.` : 'There is none yet.'}`)
}
