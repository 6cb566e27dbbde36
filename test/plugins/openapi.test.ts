import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { TOOLS } from '../../tools/index.ts'
import { build } from '../helper.ts'

t.test('the document is made once, however often it is asked for', async t => {
  const { app } = await build(t)
  let made = 0
  const { swagger } = app
  app.swagger = (() => {
    made++
    return swagger()
  }) as typeof swagger
  const answers = [1, 2, 3].map(() => app.inject({ url: '/openapi.json', headers: { host: 'localhost' } }))
  const bodies = (await Promise.all(answers)).map(({ body }) => body)
  t.equal(made, 1)
  t.equal(new Set(bodies).size, 1)
  t.match(JSON.parse(bodies[0]!), { openapi: /^3/ })
})

t.test('the OpenAPI document is valid and describes every tool with its arguments', async t => {
  const { app } = await build(t)
  const response = await app.inject({ url: '/openapi.json', headers: { host: 'localhost' } })
  t.equal(response.statusCode, 200)
  const document = response.json()
  const { valid, errors } = await new Validator().validate(document)
  t.ok(valid, JSON.stringify(errors, null, 1)?.slice(0, 2000))
  t.match(document.openapi, /^3\.1/)
  for (const { name, input } of TOOLS) {
    const { operationId, parameters = [] } = document.paths[`/api/tools/${name}`].get
    t.equal(operationId, name)
    const named = parameters.map((parameter: { name: string }) => parameter.name)
    t.same(named.sort(), Object.keys(input.properties).sort(), name)
  }
})
