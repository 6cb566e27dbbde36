/** A collector of OpenTelemetry: an HTTP server that takes traces in protobuf, and keeps them. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface ReceivedSpan {
  trace_id: string
  span_id: string
  /** Empty: it has no parent. */
  parent_id: string
  name: string
  /** 1 internal, 2 server, 3 client. */
  kind: number
  attributes: Record<string, unknown>
  /** 2: an error. */
  status: number
  status_message: string
  events: number
  /** Trace and span ids that it is linked to. */
  links: [string, string][]
}

export interface Collector {
  url: string
  spans: ReceivedSpan[]
  /** Of the process that sent last. */
  resource: Record<string, unknown>
  headers: IncomingHttpHeaders
  /** All bodies, as they came. */
  raw: Buffer[]
  /** What is answered from now on. */
  answer: (status: number) => void
  requests: () => number
}

export async function startCollector (t: Test): Promise<Collector> {
  let status = 200
  let requests = 0
  const collector: Collector = {
    url: '', spans: [], resource: {}, headers: {}, raw: [], answer (code) { status = code }, requests: () => requests
  }
  const server = createServer((request, response) => {
    buffer(request).then(body => {
      requests += 1
      if (request.url === '/v1/traces' && status === 200) {
        collector.raw.push(body)
        collector.headers = request.headers
        for (const of of fieldsOf(body).all(1)) readResourceSpans(of, collector)
      }
      response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
    }, () => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => {
    server.close(resolve)
    server.closeAllConnections()
  }))
  collector.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return collector
}

function readResourceSpans (message: Buffer, collector: Collector): void {
  const { one, all } = fieldsOf(message)
  collector.resource = attributesOf(fieldsOf(one(1)).all(1))
  for (const scope of all(2)) {
    for (const span of fieldsOf(scope).all(2)) collector.spans.push(toSpan(span))
  }
}

/** The numbers of the fields are those of opentelemetry/proto/trace/v1/trace.proto. */
function toSpan (message: Buffer): ReceivedSpan {
  const { one, all, number } = fieldsOf(message)
  const status = fieldsOf(one(15))
  return {
    trace_id: one(1).toString('hex'),
    span_id: one(2).toString('hex'),
    parent_id: one(4).toString('hex'),
    name: one(5).toString(),
    kind: number(6),
    attributes: attributesOf(all(9)),
    events: all(11).length,
    links: all(13).map(link => [fieldsOf(link).one(1).toString('hex'), fieldsOf(link).one(2).toString('hex')]),
    status: status.number(3),
    status_message: status.one(2).toString()
  }
}

function attributesOf (pairs: Buffer[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(pair => {
    const { one } = fieldsOf(pair)
    const value = fieldsOf(one(2))
    return [one(1).toString(), value.all(1).length ? value.one(1).toString() : value.number(3) || value.number(2)]
  }))
}

const EMPTY = Buffer.alloc(0)

/** A message of protobuf by the numbers of its fields. */
function fieldsOf (message: Buffer) {
  const fields: { field: number, value: Buffer | number }[] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  const take = (length: number) => {
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = varint()
    const wire = tag & 7
    const field = tag >>> 3
    if (wire === 0) fields.push({ field, value: varint() })
    else if (wire === 1) fields.push({ field, value: take(8) })
    else if (wire === 2) fields.push({ field, value: take(varint()) })
    else if (wire === 5) fields.push({ field, value: take(4) })
    else throw new Error(`wire type ${wire}`)
  }
  const all = (field: number) => fields.flatMap(({ field: known, value }) => known === field && typeof value !== 'number' ? [value] : [])
  return {
    all,
    one: (field: number) => all(field)[0] ?? EMPTY,
    number: (field: number) => Number(fields.find(known => known.field === field && typeof known.value === 'number')?.value ?? 0)
  }
}
