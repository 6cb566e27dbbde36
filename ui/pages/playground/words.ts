import type { ProviderName } from '../../api/types.ts'
import { PROVIDERS, titleOf } from '../../providers.ts'

/** A provider by its title; of anything else that the server names, its words. */
export function toWords (name: string): string {
  if (name === 'sample' || Object.hasOwn(PROVIDERS, name)) return titleOf(name as ProviderName)
  return name.replace(/^FMS_/, '').toLowerCase().replaceAll('_', ' ')
}

/** `90 seconds`, `15 minutes`, `3 hours`: the largest unit that leaves two or more of it. */
export function toDuration (seconds: number): string {
  const units = [['day', 86_400], ['hour', 3600], ['minute', 60]] as const
  const [unit, size] = units.find(([, size]) => seconds >= 2 * size) ?? ['second', 1]
  const count = Math.round(seconds / size)
  return `${count.toLocaleString()} ${unit}${count === 1 ? '' : 's'}`
}

/** `a, b and c`. */
export const toList = (words: readonly string[]): string =>
  new Intl.ListFormat('en', { type: 'conjunction' }).format(words)
