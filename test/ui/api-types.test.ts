import openapiTs, { astToString, type OpenAPI3 } from 'openapi-typescript'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { build } from '../helper.ts'

const file = join(import.meta.dirname, '../../ui/api/schema.d.ts')
const HEAD = '// Made by `npm run ui:types` out of /openapi.json: what the UI calls.\n'

t.test('ui/api/schema.d.ts says what the OpenAPI document says; if not: npm run ui:types', async t => {
  const { app } = await build(t)
  const made = HEAD + astToString(await openapiTs(ofTheUi(app.swagger() as OpenAPI3)))
  if (process.env['UI_TYPES'] === 'write') writeFileSync(file, made)
  t.equal(readFileSync(file, 'utf8'), made)
})

/** The control plane: not the tools, whose forms are made from their schemas, and not the errors, which are alike. */
function ofTheUi (document: OpenAPI3): OpenAPI3 {
  const { paths = {} } = JSON.parse(JSON.stringify(document)) as OpenAPI3
  const isOurs = (path: string) =>
    /^\/(api|health|\.well-known)\//.test(path) && !/^\/api\/(tools\/|session\/)/.test(path)
  const kept = Object.entries(paths).filter(([path]) => isOurs(path))
  for (const [, item] of kept) {
    for (const operation of Object.values(item) as { responses?: object }[]) {
      const answers = Object.entries(operation.responses ?? {}).filter(([status]) => status.startsWith('2'))
      operation.responses = Object.fromEntries(answers)
    }
  }
  return { ...document, paths: Object.fromEntries(kept) }
}
