import type { Command } from 'commander'
import { resolve } from 'node:path'
import { writeBackup } from '../db/backup.ts'
import { checkBackup, restoreBackup } from '../db/restore.ts'
import { toFields } from '../plugins/audit/event.ts'
import { findKeyRing } from '../vault/key-ring.ts'
import { VERSION } from '../version.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson } from './output.ts'

interface Options { json?: true }

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0)

/** `fmcp backup, fmcp restore` */
export function addBackupCommands (program: Command, { io, use, config }: Cli): void {
  program.command('backup')
    .description('Write all that is worth keeping to one file, beside a running server too; the key ring is not in it')
    .argument('<file>', 'such as fmcp-2026-11-22.backup')
    .option('--json', 'print JSON only')
    .action(async (path: string, { json }: Options) => {
      const file = resolve(path)
      const counts = await use(async app => {
        await app.audit.record(app.db, { ...by, action: 'backup.create' })
        return writeBackup(app.db, app.vault.systemKey('audit'), { file, server: VERSION })
      })
      if (json) return printJson(io, { file, rows: counts })
      printFields(io, { file, rows: sum(counts) })
      io.stdout.write('Keep the key ring too, and apart from it: without it nothing in the file can be opened.\n')
    })

  program.command('restore').description('Put a backup into an empty database')
    .argument('<file>', 'what fmcp backup wrote')
    .option('--json', 'print JSON only')
    .action(async (path: string, { json }: Options) => {
      const backup = await checkBackup(resolve(path), await findKeyRing(config()))
      const { header: { created_at: made }, end: { counts } } = backup
      const event = toFields({ ...by, action: 'backup.restore', details: { created_at: made, rows: sum(counts) } })
      const { broken } = await use(app => restoreBackup(app.db, backup, event), { databaseOnly: true })
      if (json) printJson(io, { created_at: made, rows: counts, audit: { ok: !broken, broken } })
      else printFields(io, { restored: `${sum(counts)} rows of ${made}` })
      if (broken) {
        throw new Error(`It is restored, and its audit log was broken already at row ${broken.seq}: ${broken.reason}. ` +
          'See docs/audit.md for what it means.')
      }
    })
}
