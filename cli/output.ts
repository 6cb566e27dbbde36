/** Where a command reads and writes; the tests put their own streams here. */
export interface Io {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean }
  stdout: NodeJS.WritableStream
  stderr: NodeJS.WritableStream
}

type Cell = string | number | null | undefined

/** Prints one JSON value, and nothing else. */
export function printJson ({ stdout }: Io, value: unknown): void {
  stdout.write(`${JSON.stringify(value)}\n`)
}

/** Prints rows under their headings, in columns as wide as their widest cell. */
export function printTable ({ stdout }: Io, headings: string[], rows: Cell[][]): void {
  const lines = [headings, ...rows.map(row => row.map(cell => String(cell ?? '-')))]
  const widths = headings.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0)))
  for (const line of lines) {
    stdout.write(`${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`)
  }
}

/** Prints `name: value` lines. */
export function printFields ({ stdout }: Io, fields: Record<string, Cell>): void {
  for (const [name, value] of Object.entries(fields)) stdout.write(`${name}: ${value ?? '-'}\n`)
}
