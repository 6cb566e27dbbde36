import { type Command, InvalidArgumentError } from 'commander'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import type { Cli } from './context.ts'
import { printFields, printJson } from './output.ts'
import { createSelfSigned } from './self-signed.ts'

interface Options { host: string[], out: string, days: number, force?: true, json?: true }

/** As long as browsers take a certificate for good. */
const DAYS = 397
const MOST_DAYS = 3650
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i

/** `fmcp tls self-signed` */
export function addTlsCommands (program: Command, { io }: Cli): void {
  const command = program.command('tls').description('The certificate of the server itself')

  command.command('self-signed').description('Make a key and a certificate for https without an authority')
    .option('--host <host>', 'a further name or address that clients use; may be repeated', toHosts, [])
    .option('--out <folder>', 'where cert.pem and key.pem go', '.')
    .option('--days <days>', 'how long it is good for', toDays, DAYS)
    .option('--force', 'take the place of files that are there')
    .option('--json', 'print JSON only')
    .action(async ({ host, out, days, force, json }: Options) => {
      const files = { cert_file: resolve(join(out, 'cert.pem')), key_file: resolve(join(out, 'key.pem')) }
      const there = Object.values(files).filter(file => existsSync(file))
      if (there.length && !force) throw new Error(`${there.join(' and ')} exist. Choose another --out, or replace with --force.`)
      const { cert, key, fingerprint, hosts, expiresAt } = await createSelfSigned(host, days)
      await mkdir(resolve(out), { recursive: true })
      await write(files.key_file, key, 0o600)
      await write(files.cert_file, cert, 0o644)
      const made = { ...files, fingerprint_sha256: fingerprint, expires_at: expiresAt.toISOString() }
      if (json) return printJson(io, { ...made, hosts })
      printFields(io, { ...made, hosts: hosts.join(', ') })
      io.stdout.write(`\nSet for the server:\nTLS_CERT_FILE=${files.cert_file}\nTLS_KEY_FILE=${files.key_file}\n` +
        '\nSet for clients that run on Node, such as Claude Code:\n' + `NODE_EXTRA_CA_CERTS=${files.cert_file}\n`)
    })
}

/** A new file, so that nobody who has the old one open, and no mode of it, has to do with the key. */
async function write (file: string, text: string, mode: number): Promise<void> {
  await rm(file, { force: true })
  await writeFile(file, text, { mode, flag: 'wx' })
}

function toHosts (value: string, hosts: string[]): string[] {
  if (!isIP(value) && !NAME.test(value)) throw new InvalidArgumentError('It is a host name or an address, without a port.')
  return [...hosts, value.toLowerCase()]
}

function toDays (value: string): number {
  const days = Number(value)
  if (!/^\d+$/.test(value) || days < 1 || days > MOST_DAYS) throw new InvalidArgumentError(`It is 1 to ${MOST_DAYS}.`)
  return days
}
