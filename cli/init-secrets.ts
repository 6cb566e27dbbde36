import type { Command } from 'commander'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createRingLine } from '../vault/key-ring.ts'
import type { Cli } from './context.ts'
import { printJson } from './output.ts'

interface Options { out: string, json?: true }

/** What compose.yaml mounts into the containers, and how each is made. */
const SECRETS: Record<string, () => string> = {
  master_key: () => createRingLine(),
  postgres_password: () => `${randomBytes(24).toString('base64url')}\n`
}

// Containers read them as users of their own, so the files are open; the folder around them is not, and a mount
// passes it by.
const [FOLDER_MODE, FILE_MODE] = [0o700, 0o644]

/** `fmcp init-secrets` */
export function addInitSecretsCommand (program: Command, { io }: Cli): void {
  program.command('init-secrets').description('Make the secrets that compose.yaml mounts; those that are there stay')
    .option('--out <folder>', 'where they go', 'secrets')
    .option('--json', 'print JSON only')
    .action(async ({ out, json }: Options) => {
      const folder = resolve(out)
      try {
        await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
        await chmod(folder, FOLDER_MODE)
        const made: string[] = []
        for (const [name, create] of Object.entries(SECRETS)) {
          if (await write(join(folder, name), create)) made.push(name)
        }
        const kept = Object.keys(SECRETS).filter(name => !made.includes(name))
        if (json) return printJson(io, { folder, made, kept })
        for (const name of made) io.stdout.write(`Made ${join(out, name)}.\n`)
        for (const name of kept) io.stdout.write(`${join(out, name)} is there already and stays.\n`)
        if (made.includes('master_key')) io.stdout.write('Keep a copy of master_key apart from the backups: without it no provider key opens.\n')
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === undefined) throw error
        throw new Error(`The secrets cannot be written to ${folder} (${code}). Choose another --out, or run as the folder's owner.`, { cause: error })
      }
    })
}

/** @returns false where the file is there */
async function write (file: string, create: () => string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', FILE_MODE)
    try {
      await handle.writeFile(create())
      // Whatever the umask.
      await handle.chmod(FILE_MODE)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
