import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { awake } from '../../awake.ts'
import { problem } from '../../errors.ts'
import type { Bus } from '../bus.ts'

/** A message that came to another replica than the one that has its stream. */
export interface Relayed {
  stream: string
  /** Of the token that sent it, which was verified where it came in. */
  session_id: string
  request_id: string
  ip: string
  message: unknown
}

export interface RelayOptions {
  /** Whether a stream is here, and is this session's. */
  has: (stream: string, sessionId: string) => boolean
  deliver: (relayed: Relayed) => void
  /** How long others may take to say that a stream is theirs. */
  answerMs?: number
}

interface Part {
  id: string
  stream: string
  session_id: string
  index: number
  count: number
  data: string
}

type Answer = 'more' | 'done' | 'busy'

interface Partial {
  parts: string[]
  left: number
  timer: NodeJS.Timeout
}

const PART = 'sse:part'
const ANSWER = 'sse:answer'
/** Of base64, so that a part and its envelope fit into one message of the bus. */
const PART_BYTES = 7_400
/** A message of 1 MiB that cannot be compressed takes 190. */
const MOST_PARTS = 200
const MOST_MESSAGE_BYTES = 1024 * 1024 + 16_384
/** Parts of messages that are not complete: 15 MiB of them. */
const MOST_KEPT_PARTS = 2_000
const MOST_WAITING = 256
const ANSWER_MS = 1_500
const REST_MS = 5_000

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/**
 * Carries messages to the replica that has their stream, over the bus: the first part asks whose the stream is, the
 * others follow when it has answered.
 * @returns whether somebody took the message
 * @throws OVERLOADED where the others cannot be asked, or the one that has the stream cannot take it
 */
export function createRelay (bus: Bus, { has, deliver, answerMs = ANSWER_MS }: RelayOptions) {
  const asked = new Map<string, (answer: Answer) => void>()
  const partials = new Map<string, Partial>()
  let kept = 0

  bus.subscribe(ANSWER, payload => {
    const { id, answer } = payload as { id: string, answer: Answer }
    asked.get(id)?.(answer)
  })
  bus.subscribe(PART, payload => {
    const part = payload as Part
    // Nobody waits for the answer that cannot be given.
    if (has(part.stream, part.session_id)) receive(part).catch(() => forget(part.id))
  })

  async function receive (part: Part): Promise<void> {
    const { id, index, count, data } = part
    const answer = (answer: Answer) => bus.publish(ANSWER, { id, answer })
    let partial = partials.get(id)
    if (!partial) {
      if (index > 0 || count > MOST_PARTS) return
      if (kept + count > MOST_KEPT_PARTS) return answer('busy')
      kept += count
      partial = { parts: Array(count), left: count, timer: setTimeout(forget, REST_MS, id).unref() }
      partials.set(id, partial)
    }
    if (index >= partial.parts.length || partial.parts[index] !== undefined) return
    partial.parts[index] = data
    partial.left -= 1
    if (partial.left > 0) return index === 0 ? answer('more') : undefined
    forget(id)
    const text = await inflate(Buffer.from(partial.parts.join(''), 'base64'), { maxOutputLength: MOST_MESSAGE_BYTES })
    // It may have ended meanwhile.
    if (!has(part.stream, part.session_id)) return
    const relayed: Relayed = { ...JSON.parse(String(text)), stream: part.stream, session_id: part.session_id }
    // First, for the sender waits, and what the message starts may keep the process busy.
    const answered = answer('done')
    deliver(relayed)
    return answered
  }

  function forget (id: string): void {
    const partial = partials.get(id)
    if (!partial) return
    clearTimeout(partial.timer)
    kept -= partial.parts.length
    partials.delete(id)
  }

  /** The next answer, or undefined where none came in time. */
  function answerTo (id: string, ms: number): Promise<Answer | undefined> {
    const answer = new Promise<Answer>(resolve => { asked.set(id, resolve) })
    return awake(ms, answer).catch(() => undefined).finally(() => asked.delete(id))
  }

  return async function relay ({ stream, session_id: sessionId, ...content }: Relayed): Promise<boolean> {
    if (!bus.healthy() || asked.size >= MOST_WAITING) throw unreachable()
    const data = (await deflate(JSON.stringify(content))).toString('base64')
    const id = randomBytes(12).toString('base64url')
    const count = Math.ceil(data.length / PART_BYTES)
    const publish = (index: number) => bus.publish(PART, {
      id, stream, session_id: sessionId, index, count, data: data.slice(index * PART_BYTES, (index + 1) * PART_BYTES)
    })
    const first = answerTo(id, answerMs)
    await publish(0)
    let answer = await first
    if (answer === 'more') {
      const rest = answerTo(id, REST_MS)
      for (let index = 1; index < count; index += 1) await publish(index)
      answer = await rest ?? 'busy'
    }
    if (answer === 'busy') throw unreachable()
    return answer === 'done'
  }
}

const unreachable = () => problem('OVERLOADED',
  'This stream may be at another server, which cannot be reached now. Send the message again shortly.', { retry_after_seconds: 1 })
