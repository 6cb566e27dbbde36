// Writes what of the documentation is made from the code: `npm run docs`, which builds dist/ first.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './bundle.js'
import { renderConfiguration } from './configuration-page.js'

const { ConfigSchema } = await import(pathToFileURL(join(root, 'dist', 'config.js')).href)
const page = join(root, 'docs', 'configuration.md')
writeFileSync(page, renderConfiguration(readFileSync(page, 'utf8'), ConfigSchema.properties))
