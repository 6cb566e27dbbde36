import { text } from 'node:stream/consumers'
import { UsageError } from './error.ts'
import type { Io } from './output.ts'
import { promptHidden } from './secret.ts'

/**
 * Reads a new password as it is: twice from a hidden prompt on a terminal, else the one line of standard input. Never
 * from an argument, which every user of the machine can read.
 * @throws UsageError
 */
export async function readPassword (io: Io): Promise<string> {
  if (!io.stdin.isTTY) {
    const input = (await text(io.stdin)).replace(/\r?\n$/, '')
    if (!input) throw new UsageError('The password is read from standard input, which is empty.')
    if (/[\r\n]/.test(input)) throw new UsageError('Standard input has several lines: give the password alone, on one.')
    return input
  }
  const { password = '', 'the same again': again } = await promptHidden(io, ['password', 'the same again'], typed => typed)
  if (password !== again) throw new UsageError('The two passwords differ. Nothing was changed.')
  return password
}
