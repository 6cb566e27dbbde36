import { InvalidArgumentError, Option, type Command } from 'commander'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseHead, type AuditHead } from '../db/audit-chain.ts'
import type { AuditFilter } from '../db/audit-logs.ts'
import { toText } from '../plugins/audit/export.ts'
import type { AuditFormat } from '../schemas/audit.ts'
import { IdSchema } from '../schemas/control.ts'
import { assertShape } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { UsageError } from './error.ts'
import { printFields, printJson, printTable } from './output.ts'

interface Filters {
  action?: string
  actor?: string
  outcome?: string
  connection?: string
  session?: string
  since?: Date
  until?: Date
}

interface ListOptions extends Filters { limit: number, json?: true }
interface ExportOptions extends Filters { format: AuditFormat, out?: string }
interface VerifyOptions { head?: AuditHead, json?: true }
interface PruneOptions { days?: number, force?: true, json?: true }

/** `fmcp audit list|export|verify|prune|anchor` */
export function addAuditCommands (program: Command, { io, use, config }: Cli): void {
  const command = program.command('audit').description('What happened, and whether the record of it is whole')

  addFilters(command.command('list').description('List events, the newest first'))
    .option('--limit <count>', 'how many; default 50', toCount, 50)
    .option('--json', 'print JSON only')
    .action(async ({ limit, json, ...filters }: ListOptions) => {
      const { items } = await use(app => app.audit.list({ ...toFilter(filters), limit }))
      if (json) return printJson(io, items)
      printTable(io, ['SEQ', 'TIME', 'ACTOR', 'ACTION', 'TARGET', 'OUTCOME'],
        items.map(({ seq, time, actor, action, target, outcome }) => [seq, time, actor, action, target, outcome]))
    })

  addFilters(command.command('export').description('Print all events, the oldest first, each with its hash'))
    .addOption(new Option('--format <format>', 'ndjson or csv').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--out <file>', 'write to this new file')
    .action(async ({ format, out, ...filters }: ExportOptions) => {
      const filter = toFilter(filters)
      await use(async app => {
        await app.audit.record(app.db, { ...by, action: 'audit.export', details: { format, ...filters } })
        const text = Readable.from(toText(app.audit.export(filter), format))
        if (out === undefined) return pipeline(text, io.stdout, { end: false })
        await pipeline(text, (await open(out, 'wx', 0o600)).createWriteStream())
      })
    })

  command.command('verify')
    .description('Check that no event was edited, deleted, moved or cut off; exit code 1 where one was')
    .option('--head <seq:hash>', 'what an earlier verification told: it must be in the log', toHead)
    .option('--json', 'print JSON only')
    .action(async ({ head: noted, json }: VerifyOptions) => {
      const { ok, rows, from_seq: from, head, broken } = await use(app => app.audit.verify({ noted }))
      if (json) printJson(io, { ok, rows, from_seq: from, head, broken })
      else printFields(io, { verified: `${rows} rows from ${from} on`, head: `${head.seq}:${head.hash}` })
      if (!broken) return
      throw new Error(`The audit log is broken at row ${broken.seq}: ${broken.reason}. See docs/audit.md for what it means.`)
    })

  command.command('prune')
    .description('Delete events older than AUDIT_RETENTION_DAYS; a signed checkpoint continues the chain')
    .option('--days <days>', 'in place of AUDIT_RETENTION_DAYS; 1 or more', toCount)
    .option('--force', 'even where what is deleted is not what was written')
    .option('--json', 'print JSON only')
    .action(async ({ days = config().auditRetentionDays, force, json }: PruneOptions) => {
      if (days < 1) throw new UsageError('Say how old: --days, or AUDIT_RETENTION_DAYS.')
      const deleted = await use(app => app.audit.prune(days, by, { force }))
      if (json) printJson(io, { deleted })
      else io.stdout.write(`Deleted ${deleted} events.\n`)
    })

  command.command('anchor').description('Sign the end of the log as it stands, where its signature is missing or wrong')
    .option('--json', 'print JSON only')
    .action(async ({ json }: { json?: true }) => {
      await use(app => app.audit.anchor(by))
      if (json) printJson(io, { signed: true })
      else io.stdout.write('Signed the end of the log.\n')
    })
}

function addFilters (command: Command): Command {
  return command.option('--action <action>', 'such as session.create')
    .option('--actor <actor>', 'such as admin:ada')
    .option('--outcome <outcome>', 'ok, or an error such as NOT_FOUND')
    .option('--connection <connection>', 'id')
    .option('--session <session>', 'id')
    .option('--since <instant>', 'first instant, such as 2026-11-22 or 2026-11-22T10:00:00Z', toInstant)
    .option('--until <instant>', 'first instant that is too late', toInstant)
}

function toFilter ({ connection, session, since, until, ...exact }: Filters): AuditFilter {
  return {
    ...exact,
    ...(connection !== undefined && { connection_id: assertShape(IdSchema, connection) }),
    ...(session !== undefined && { session_id: assertShape(IdSchema, session) }),
    from: since,
    to: until
  }
}

function toCount (text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a number from 1 to 99999.')
}

function toInstant (text: string): Date {
  const instant = new Date(text)
  if (/^\d{4}-\d\d/.test(text) && !Number.isNaN(instant.getTime())) return instant
  throw new InvalidArgumentError('Give an instant such as 2026-11-22T10:00:00Z.')
}

function toHead (text: string): AuditHead {
  const head = parseHead(text)
  if (head) return head
  throw new InvalidArgumentError('Give the row\'s number, a colon and its hash, as fmcp audit verify prints them.')
}
