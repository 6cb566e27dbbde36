/** REST requests made from the OpenAPI document, right and wrong. */
import fc, { type Arbitrary } from 'fast-check'
import { anyJson, fromSchema, mutated, nastyText, often, type JsonSchema } from './from-schema.ts'

interface Operation {
  parameters?: { in: string, name: string, schema?: JsonSchema, required?: boolean }[]
  requestBody?: { content?: Record<string, { schema?: JsonSchema }> }
  security?: Record<string, string[]>[]
}

export interface Route extends Operation {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD'
  path: string
  /** Whose token it takes. */
  takes: 'session' | 'admin' | 'nobody'
}

/** Every operation of the document but those of MCP, which the messages are for. */
export function routesOf (document: { paths?: object }): Route[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]): Route => {
      const schemes = (operation.security ?? []).flatMap(scheme => Object.keys(scheme))
      const takes = schemes.includes('bearerAuth') ? 'session' : schemes.includes('adminToken') ? 'admin' : 'nobody'
      return { ...operation, method: method.toUpperCase() as Route['method'], path, takes }
    })).filter(({ path }) => path !== '/mcp' && path !== '/messages')
}

export interface FuzzedRequest {
  route: Route
  url: string
  headers: Record<string, string>
  body: string | undefined
  /** As whom. */
  by: 'right' | 'other' | 'nobody'
}

/** @param ids of what there is, so that some requests find something */
export function createRequests (routes: readonly Route[], ids: () => readonly string[]): Arbitrary<FuzzedRequest> {
  const existing = fc.nat().map(i => ids()[i % ids().length]!)
  const value = (schema: JsonSchema): Arbitrary<unknown> => fc.oneof(often(3, fromSchema(schema)), nastyText, anyJson)
  return fc.constantFrom(...routes).chain(route => {
    const { path, method, parameters = [], requestBody } = route
    const inPath = parameters.filter(parameter => parameter.in === 'path')
    const inQuery = parameters.filter(parameter => parameter.in === 'query')
    const body = Object.values(requestBody?.content ?? {})[0]?.schema
    return fc.record({
      route: fc.constant(route),
      by: fc.oneof({ weight: 12, arbitrary: fc.constant('right' as const) }, fc.constantFrom('other' as const, 'nobody' as const)),
      url: fc.tuple(
        fc.tuple(...inPath.map(({ schema = {} }) => fc.oneof({ weight: 4, arbitrary: existing }, value(schema)))),
        fc.record(Object.fromEntries(inQuery.map(({ name, schema = {} }) => [name, value(schema)])), {
          requiredKeys: inQuery.filter(({ required }) => required).map(({ name }) => name)
        }),
        fc.oneof({ weight: 8, arbitrary: fc.constant('') }, nastyText.map(text => `&x=${encode(text)}`), fc.constantFrom('&%', '&a[b]=c', '&__proto__=1', '&=', '&&&'))
      ).map(([values, query, extra]) => {
        let i = 0
        const filled = path.replaceAll(/\{[^}]*\}/g, () => encode(values[i++]))
        const asked = Object.entries(query).map(([name, given]) => `${name}=${encode(given)}`).join('&')
        return `${filled}?${asked}${extra}`
      }),
      headers: fc.oneof(often(8, fc.constant<Record<string, string>>({})), fc.constantFrom<Record<string, string>>(
        { accept: 'text/csv' }, { accept: 'text/csv;q=x, */*' }, { 'content-type': 'text/plain' }, { 'content-type': 'application/json;charset=utf-16' }, { 'sec-fetch-site': 'cross-site' },
        { cookie: 'fmcp=x; fmcp=y; __Host-fmcp=z' }, { cookie: ';;;=;' }, { 'x-forwarded-for': 'not an address' }, { traceparent: 'x' }, { range: 'bytes=0-0' }, { 'if-none-match': '*' }
      )),
      body: ['GET', 'HEAD'].includes(method)
        ? fc.constant(undefined)
        : fc.oneof(
          { weight: 5, arbitrary: (body ? fromSchema(body) : anyJson).map(toText) },
          { weight: 4, arbitrary: mutated(body ? fromSchema(body) : anyJson).map(toText) },
          anyJson.map(toText), nastyText, fc.constant(undefined))
    })
  })
}

const toText = (value: unknown): string => JSON.stringify(value) ?? ''

/** As a URL carries it; half a surrogate pair, which no URL can, becomes what a browser makes of it. */
function encode (value: unknown): string {
  const text = Array.isArray(value) ? value.map(String).join(',') : typeof value === 'object' ? JSON.stringify(value) : String(value)
  return encodeURIComponent(Buffer.from(text).toString()).slice(0, 4000).replace(/%[0-9A-F]?$/, '')
}
