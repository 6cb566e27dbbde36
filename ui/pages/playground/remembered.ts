import { readSetting, writeSetting } from '../../settings.ts'
import { toFirstValues, type Field, type Values } from './fields.ts'

const keyOf = (tool: string) => `fmcp.playground.${tool}`
const CONNECTION = 'fmcp.playground-connection'

/** What this browser called the tool with last, or what a form starts with. */
export function recall (tool: string, fields: readonly Field[]): Values {
  const first = toFirstValues(fields)
  try {
    const known = JSON.parse(readSetting(keyOf(tool)) ?? 'null') as Record<string, unknown> | null
    if (!known) return first
    // A newer build may know other arguments.
    return Object.fromEntries(fields.flatMap(({ name }) => typeof known[name] === 'string' ? [[name, known[name]]] : []))
  } catch {
    return first
  }
}

export function remember (tool: string, values: Values): void {
  // A cursor is of one answer and soon worth nothing.
  const { cursor: _, ...kept } = values
  writeSetting(keyOf(tool), JSON.stringify(kept))
}

export const forget = (tool: string): void => writeSetting(keyOf(tool), null)

export const recallConnection = (): string | null => readSetting(CONNECTION)
export const rememberConnection = (id: string): void => writeSetting(CONNECTION, id)
