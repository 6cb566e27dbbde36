import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { awake } from '../../awake.ts'
import type { AuditLine, AuditSink } from './stream.ts'

/** Facility 13 (log audit), severity 5 (notice) where it went well and 4 (warning) else: RFC 5424, 6.2.1. */
const [NOTICE, WARNING] = [13 * 8 + 5, 13 * 8 + 4]
const WAIT_MS = 2_000
/** What a datagram may carry over IPv4. */
const MOST_DATAGRAM_BYTES = 65_507

/**
 * Sends each event to a syslog server, its message being the event as JSON: RFC 5424, over UDP a datagram each
 * (RFC 5426), over TCP behind its length (RFC 6587, 3.4.1), dialled again where the connection is lost.
 * @param url `udp://host:port` or `tcp://host:port`
 */
export function createSyslogSink (url: string): AuditSink {
  const { protocol, hostname: name, port } = new URL(url)
  const place = { host: name.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
  return { name: 'syslog', ...protocol === 'udp:' ? createUdp(place) : createTcp(place) }
}

interface Place { host: string, port: number }

/** The header says no time zone but UTC, and no structured data: all of it is in the JSON. */
export function toSyslog ({ time, outcome, json }: AuditLine): Buffer {
  const priority = outcome === 'ok' ? NOTICE : WARNING
  return Buffer.from(`<${priority}>1 ${time} ${hostname() || '-'} financial-mcp-server ${process.pid} audit - ${json}`)
}

function createUdp ({ host, port }: Place): Omit<AuditSink, 'name'> {
  return {
    async write (lines) {
      const { address, family } = await awake(WAIT_MS, lookup(host))
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
      try {
        for (const message of lines.map(toSyslog).filter(({ length }) => length <= MOST_DATAGRAM_BYTES)) {
          await new Promise<void>((resolve, reject) => {
            socket.send(message, port, address, error => error ? reject(error) : resolve())
          })
        }
      } finally {
        socket.close()
      }
    },
    async close () {}
  }
}

function createTcp (place: Place): Omit<AuditSink, 'name'> {
  let current: Socket | undefined

  async function dial (): Promise<Socket> {
    if (current?.writable) return current
    const socket = connect({ ...place, keepAlive: true })
    try {
      await awake(WAIT_MS, once(socket, 'connect'))
    } catch (error) {
      socket.on('error', () => {}).destroy()
      throw error
    }
    // What it sends is read, so that its end is noticed; an error is told to the write that meets it.
    current = socket.on('error', () => {}).resume().unref()
    return socket
  }

  return {
    async write (lines) {
      const socket = await dial()
      const frames = lines.map(toSyslog).flatMap(message => [Buffer.from(`${message.length} `), message])
      const written = new Promise<void>((resolve, reject) => {
        socket.write(Buffer.concat(frames), error => error ? reject(error) : resolve())
      })
      await awake(WAIT_MS, written).catch(error => {
        socket.destroy()
        throw error
      })
    },
    async close () { current?.destroySoon() }
  }
}
