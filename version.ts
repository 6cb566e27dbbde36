import { readFileSync } from 'node:fs'

/** The package's version, from the package.json beside the sources or above the build. */
export const VERSION = readVersion()

function readVersion (): string {
  for (const place of ['./package.json', '../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { version: string }).version
    } catch { /* the other place */ }
  }
  return '0.0.0'
}
