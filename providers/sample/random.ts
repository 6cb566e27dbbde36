/** What looks like chance: numbers that depend on a text alone, so that any two reads agree. */
import { createHash } from 'node:crypto'

/** A number in [0, 1). */
export function unit (text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32
}

export const between = (text: string, low: number, high: number) => low + (high - low) * unit(text)

export const pick = <T>(text: string, list: readonly T[]): T => list[Math.floor(unit(text) * list.length)]!

/** A number with so many digits after the point, and never -0. */
export const fixed = (value: number, digits: number) => Number(value.toFixed(digits)) + 0
