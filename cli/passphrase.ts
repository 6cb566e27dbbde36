import { open } from 'node:fs/promises'
import { UsageError } from './error.ts'
import type { Io } from './output.ts'
import { promptHidden } from './secret.ts'

const SHORTEST = 12
const LONGEST = 1024

export interface PassphraseOptions {
  /** Whose text it is, white space around it taken away. */
  file?: string | undefined
  /** True: it is new, so it must be long enough, and is asked for twice. */
  isNew?: boolean
}

/**
 * Reads a passphrase from a file, or asks for it on a terminal without showing it. Never from an argument or a
 * variable, which others can read.
 * @throws UsageError
 */
export async function readPassphrase (io: Io, { file, isNew = false }: PassphraseOptions): Promise<string> {
  const passphrase = file === undefined ? await ask(io, isNew) : await readFrom(file)
  if (!passphrase) throw new UsageError('The passphrase is empty.')
  if (passphrase.length > LONGEST) throw new UsageError(`A passphrase has at most ${LONGEST} characters.`)
  if (isNew && passphrase.length < SHORTEST) {
    throw new UsageError(`A passphrase has at least ${SHORTEST} characters: it is all that protects the file. Take several words.`)
  }
  return passphrase
}

async function ask (io: Io, isNew: boolean): Promise<string> {
  if (!io.stdin.isTTY) throw new UsageError('The passphrase is asked for on a terminal, and there is none. Give --passphrase-file <file>.')
  const { passphrase = '', 'passphrase again': again } = await promptHidden(io, isNew ? ['passphrase', 'passphrase again'] : ['passphrase'])
  if (isNew && passphrase !== again) throw new UsageError('The two passphrases differ. Nothing was exported.')
  return passphrase
}

async function readFrom (file: string): Promise<string> {
  try {
    const handle = await open(file)
    try {
      // Enough to see that it is too long.
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(8 * LONGEST))
      return buffer.subarray(0, bytesRead).toString().trim()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new UsageError(`The passphrase file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}
