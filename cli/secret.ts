import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { UsageError } from './error.ts'
import type { Io } from './output.ts'

const LONGEST = 10_000

/**
 * Reads a key's fields: from a hidden prompt on a terminal, else from standard input, as one JSON object or as one line
 * a field. Never from an argument, which every user of the machine can read.
 */
export async function readSecret (io: Io, fields: readonly string[]): Promise<unknown> {
  if (io.stdin.isTTY) return promptHidden(io, fields)
  const input = (await text(io.stdin)).trim()
  if (!input) throw new UsageError(`The key is read from standard input, which is empty: ${wanted(fields)}.`)
  if (input.length > LONGEST) throw new UsageError(`Standard input is too long for a key: ${wanted(fields)}.`)
  if (input.startsWith('{')) return parse(input, fields)
  const lines = input.split(/\r?\n/).map(line => line.trim())
  if (lines.length !== fields.length) {
    throw new UsageError(`Standard input has ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}: ${wanted(fields)}.`)
  }
  return Object.fromEntries(fields.map((field, index) => [field, lines[index]]))
}

function parse (input: string, fields: readonly string[]): unknown {
  try {
    return JSON.parse(input)
  } catch {
    // The parser's own message quotes the input.
    throw new UsageError(`Standard input is not valid JSON: ${wanted(fields)}.`)
  }
}

function wanted (fields: readonly string[]): string {
  return `give ${fields.join(' and ')}, one a line, or as a JSON object`
}

/**
 * Asks for each field on the terminal, and shows nothing of what is typed.
 * @throws UsageError where it is cancelled
 */
export async function promptHidden (
  { stdin, stderr }: Io, fields: readonly string[], toAnswer = (typed: string) => typed.trim()
): Promise<Record<string, string>> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: stdin, output: silent, terminal: true })
  const answers: Record<string, string> = {}
  try {
    for (const field of fields) {
      stderr.write(`${field}: `)
      answers[field] = await new Promise<string>((resolve, reject) => {
        terminal.once('SIGINT', () => reject(new UsageError('Cancelled.')))
        terminal.once('close', () => reject(new UsageError('Cancelled.')))
        terminal.question('', answer => resolve(toAnswer(answer)))
      })
      stderr.write('\n')
    }
    return answers
  } finally {
    terminal.close()
  }
}
