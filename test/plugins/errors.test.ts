import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { codeOf, ERRORS, isProblem, problem } from '../../errors.ts'
import { toBody, toProblem } from '../../plugins/errors.ts'
import { isTooDeep } from '../../plugins/json.ts'
import { build } from '../helper.ts'

test('every code has a row in docs/errors.md with its status', async t => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8')
  for (const [code, { status }] of Object.entries(ERRORS)) t.match(text, new RegExp(`\\| ${status} \\| \`FMS_${code}\` \\|`))
})

test('a problem leaves with its sentence and members, never with its cause', async t => {
  const error = problem('PROVIDER_QUOTA', 'Wait.', { provider: 'fmp', retry_after_seconds: 5, cause: new Error('test-secret') })
  t.same(toBody(error), {
    type: 'urn:fms:error:PROVIDER_QUOTA', title: 'The provider quota is used up', status: 503, detail: 'Wait.', code: 'FMS_PROVIDER_QUOTA', provider: 'fmp', retry_after_seconds: 5
  })
})

test('what is not foreseen tells the caller nothing', async t => {
  const error = toProblem(new TypeError('x is undefined at /secret/path'))
  t.equal(codeOf(error), 'INTERNAL')
  t.notMatch(JSON.stringify(toBody(error)), /secret/)
  t.equal(codeOf(new Error('any')), 'INTERNAL')
  t.notOk(isProblem({ code: 'FMS_X' }))
})

test('an unknown path, bad JSON, deep JSON, a large body and a foreign content type each get their own code', async t => {
  const { app } = await build(t)
  const post = async (body: string, type = 'application/json', url = '/api/login') => {
    const response = await app.inject({ method: 'POST', url, payload: body, headers: { host: 'localhost', 'content-type': type } })
    t.match(response.headers['content-type'], /^application\/problem\+json/)
    return [response.statusCode, response.json().code]
  }
  t.same(await post('{"name":'), [400, 'FMS_INVALID_INPUT'])
  t.same(await post('['.repeat(200) + ']'.repeat(200)), [400, 'FMS_INVALID_INPUT'])
  t.same(await post('{"__proto__":{"x":1}}'), [400, 'FMS_INVALID_INPUT'])
  t.same(await post(`{"name":"${'x'.repeat(2_000_000)}"}`), [413, 'FMS_PAYLOAD_TOO_LARGE'])
  t.same(await post('<a/>', 'application/xml'), [415, 'FMS_UNSUPPORTED_MEDIA_TYPE'])
  t.same(await post('{}'), [400, 'FMS_INVALID_INPUT'])
  t.same(await post('{}', 'application/json', '/api/nothing'), [404, 'FMS_NOT_FOUND'])
})

test('a URL that no route can be looked up by is a problem like any other', async t => {
  const { app } = await build(t)
  for (const url of ['/%ff', '/api/tools/%', `/api/tools/${'a'.repeat(300)}`]) {
    const { statusCode, headers, body } = await app.inject({ url, headers: { host: 'localhost' } })
    t.equal(statusCode, 400, url)
    t.match(headers['content-type'], /^application\/problem\+json/)
    t.match(JSON.parse(body), { code: 'FMS_INVALID_INPUT', detail: /percent-encoded/ })
    t.notMatch(body, /%ff|aaa/, 'it is not repeated')
  }
})

test('depth is counted outside of strings', async t => {
  t.notOk(isTooDeep(JSON.stringify({ a: '['.repeat(100), b: '\\"[[' })))
  t.notOk(isTooDeep('['.repeat(32) + ']'.repeat(32)))
  t.ok(isTooDeep('['.repeat(33) + ']'.repeat(33)))
  t.notOk(isTooDeep('[]'.repeat(100)))
})
