/**
 * A figure of a bench. `reach` is the most that it may be.
 * @typedef {{ name: string, value: number, unit?: string, reach?: number, exact?: boolean }} Figure
 */

/** A figure that depends on the machine fails only beyond this factor of its reach: less may be noise. */
const NOISE = 3

/**
 * Runs a bench as a script: prints what it finds, and fails where a reach is missed beyond noise.
 * @param {(options: { short: boolean }) => Promise<Figure[]>} bench
 */
export async function runBench (bench) {
  const figures = await bench({ short: process.argv.includes('--short') })
  if (process.send) process.send(figures)
  else printFigures(figures)
  process.exitCode = figures.some(isFailure) ? 1 : 0
}

/** Whether the figure is over its reach by more than noise: an exact one (a count, a size) by anything at all. */
export function isFailure ({ value, reach, exact = false }) {
  return reach !== undefined && !(value <= (exact ? reach : reach * NOISE))
}

/** @param {Figure[]} figures */
export function printFigures (figures) {
  const rows = figures.map(figure => {
    const { name, value, unit = '', reach } = figure
    const verdict = reach === undefined ? '' : value <= reach ? 'ok' : isFailure(figure) ? 'MISSED' : 'missed'
    return [name, `${format(value)} ${unit}`.trim(), reach === undefined ? '' : `≤ ${format(reach)}`, verdict]
  })
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(row => row[column].length)))
  for (const row of rows) {
    console.log(row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column] ?? 0)).join('  ').trimEnd())
  }
}

export function median (values) {
  return quantile(values, 0.5)
}

/** The value that the given share of them does not exceed. */
export function quantile (values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

function format (value) {
  return Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(3)))
}
