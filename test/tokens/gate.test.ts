import { hashSync } from '@node-rs/argon2'
import { randomBytes, randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { problem } from '../../errors.ts'
import { createSemaphore } from '../../tokens/semaphore.ts'
import { createMac, createTokenGate, TOKEN_ARGON2, type GateRow } from '../../tokens/gate.ts'
import { createToken } from '../../tokens/token.ts'

const key = randomBytes(32)
const REFUSED = { code: 'FMS_UNAUTHENTICATED' }

/** A gate over rows in memory. `reads` counts; `beforeRead` and `afterRead` run around each. */
function build ({ graceMs = 0 } = {}) {
  const rows = new Map<string, GateRow<{ name: string }>>()
  const world = {
    rows, reads: 0, trusted: true, trustedAt: 0, broken: false, beforeRead: async () => {}, afterRead: async () => {}
  }
  const gate = createTokenGate<{ name: string }>({
    kind: 'st',
    key,
    slots: createSemaphore(2, 64),
    isTrusted: () => world.trusted,
    trustedAt: () => world.trustedAt,
    graceMs,
    async read (id) {
      world.reads += 1
      await world.beforeRead()
      if (world.broken) throw new Error('test: connection refused')
      const row = rows.get(id)
      const copy = row && { ...row }
      await world.afterRead()
      return copy
    }
  })
  const add = (members: Partial<GateRow<{ name: string }>> = {}) => {
    const id = randomUUID()
    const token = createToken('st', id)
    const row = {
      principal: { name: id },
      hash: hashSync(token, TOKEN_ARGON2),
      mac: createMac(key)(token),
      expiresAt: null,
      revokedAt: null,
      group: 'g',
      epoch: 1,
      ...members
    }
    rows.set(id, row)
    return { id, token, row }
  }
  return { gate, world, add }
}

t.test('a token is read and proven once, then answered from memory', async t => {
  const { gate, world, add } = build()
  const { token, id } = add()
  for (let n = 0; n < 3; n += 1) t.same(await gate.verify(token), { name: id })
  t.equal(world.reads, 1)
  t.equal(gate.argon2Runs(), 1)
})

t.test('many first uses at once share one read and one proof', async t => {
  const { gate, world, add } = build()
  const { token } = add()
  await Promise.all(Array.from({ length: 500 }, () => gate.verify(token)))
  t.equal(world.reads, 1)
  t.equal(gate.argon2Runs(), 1)
})

t.test('what is not a session token is refused without a read', async t => {
  const { gate, world } = build()
  for (const text of ['', 'x', createToken('ad', randomUUID()), createToken('ot', randomUUID())]) {
    await t.rejects(gate.verify(text), REFUSED)
  }
  t.equal(world.reads, 0)
})

t.test('2,000 bad tokens cost no argon2: unknown ids, and a known id with another secret', async t => {
  const { gate, add } = build()
  const { id } = add()
  const bad = Array.from({ length: 2000 }, (_, n) => createToken('st', n % 2 ? id : randomUUID()))
  const results = await Promise.allSettled(bad.map(token => gate.verify(token)))
  t.ok(results.every(result => result.status === 'rejected' && result.reason.code === 'FMS_UNAUTHENTICATED'))
  t.equal(gate.argon2Runs(), 0)
})

t.test('the same bad token again is not read again', async t => {
  const { gate, world } = build()
  const token = createToken('st', randomUUID())
  for (let n = 0; n < 5; n += 1) await t.rejects(gate.verify(token), REFUSED)
  t.equal(world.reads, 1)
})

t.test('revoked and expired tokens are refused, with the same words as unknown ones and without a stack', async t => {
  const { gate, add } = build()
  const tokens = [
    add({ revokedAt: new Date() }).token, add({ expiresAt: new Date(Date.now() - 1) }).token, createToken('st', randomUUID()), 'x'
  ]
  const messages = new Set<string>()
  for (const token of tokens) {
    const error = await gate.verify(token).catch((error: Error) => error)
    t.ok(error instanceof Error)
    messages.add((error as Error).message)
    t.equal((error as Error).stack, undefined)
  }
  t.equal(messages.size, 1)
  t.equal(gate.argon2Runs(), 0)
})

t.test('a token is refused from the instant that it expires, also in the cache', async t => {
  const { gate, add } = build()
  const { token } = add({ expiresAt: new Date(Date.now() + 3000) })
  await gate.verify(token)
  await new Promise(resolve => setTimeout(resolve, 3050))
  await t.rejects(gate.verify(token), REFUSED)
})

t.test('a token that expires while it is proven is refused', async t => {
  const { gate, world, add } = build()
  const { token, row } = add()
  world.beforeRead = async () => { row.expiresAt = new Date(Date.now() + 2) }
  await t.rejects(gate.verify(token), REFUSED)
})

t.test('the token before a rotation is taken until its end, without argon2', async t => {
  const { gate, world, add } = build()
  const { id, token, row } = add()
  const next = createToken('st', id)
  const rotate = (expiresAt: Date) => world.rows.set(id, {
    ...row, mac: createMac(key)(next), hash: hashSync(next, TOKEN_ARGON2), previous: { mac: row.mac, expiresAt, principal: { name: 'previous' } }
  })
  rotate(new Date(Date.now() + 60_000))
  t.same(await gate.verify(token), { name: 'previous' })
  t.equal(gate.argon2Runs(), 0)
  t.same(await gate.verify(next), { name: id })
  rotate(new Date(Date.now() - 1))
  gate.flush()
  await t.rejects(gate.verify(token), REFUSED)
  t.same(await gate.verify(next), { name: id })
})

t.test('a row whose hash is of another token is refused', async t => {
  const { gate, add } = build()
  const { token, row } = add()
  row.hash = hashSync('test-other', TOKEN_ARGON2)
  await t.rejects(gate.verify(token), REFUSED)
  t.equal(gate.argon2Runs(), 1)
})

t.test('after an invalidation the row is read again, and argon2 is not run again', async t => {
  const { gate, world, add } = build()
  const { token, row } = add()
  await gate.verify(token)
  row.epoch = 2
  gate.invalidate('g', 2)
  await gate.verify(token)
  await gate.verify(token)
  t.equal(world.reads, 2)
  t.equal(gate.argon2Runs(), 1)
  row.revokedAt = new Date()
  gate.invalidate('g', 3)
  await t.rejects(gate.verify(token), REFUSED)
})

t.test('an older invalidation does not undo a newer one', async t => {
  const { gate, world, add } = build()
  const { token, row } = add()
  await gate.verify(token)
  row.epoch = 3
  gate.invalidate('g', 3)
  gate.invalidate('g', 2)
  await gate.verify(token)
  t.equal(world.reads, 2)
})

for (const invalidate of ['invalidate', 'flush'] as const) {
  t.test(`a read that began before a revocation does not outlive it (${invalidate})`, async t => {
    const { gate, world, add } = build()
    const { token, row } = add()
    world.afterRead = async () => {
      world.afterRead = async () => {}
      row.revokedAt = new Date()
      row.epoch = 2
      if (invalidate === 'flush') gate.flush()
      else gate.invalidate('g', 2)
    }
    await t.rejects(gate.verify(token), REFUSED)
    t.equal(world.reads, 2)
  })
}

t.test('a row that stays behind its invalidation is answered and not kept', async t => {
  const { gate, world, add } = build()
  const { token, id } = add()
  gate.invalidate('g', 9)
  t.same(await gate.verify(token), { name: id })
  t.same(await gate.verify(token), { name: id })
  t.equal(world.reads, 6)
})

t.test('while invalidations may be missed the row is read each time', async t => {
  const { gate, world, add } = build()
  const { token, row } = add()
  await gate.verify(token)
  world.trusted = false
  await gate.verify(token)
  await gate.verify(token)
  t.equal(world.reads, 3)
  t.equal(gate.argon2Runs(), 1)
  row.revokedAt = new Date()
  await t.rejects(gate.verify(token), REFUSED)
})

t.test('without the database a token that was read within 30 s passes, another is put off', async t => {
  const { gate, world, add } = build()
  const { token, id } = add()
  const { token: cold } = add()
  await gate.verify(token)
  world.broken = true
  world.trusted = false
  t.same(await gate.verify(token), { name: id })
  await t.rejects(gate.verify(cold), { code: 'FMS_OVERLOADED', retry_after_seconds: 5, message: /database does not answer/ })
  gate.invalidate('g', 2)
  await t.rejects(gate.verify(token), { code: 'FMS_OVERLOADED' }, 'not where it was invalidated here')
  world.broken = false
  t.ok(await gate.verify(cold), 'a put off token is not remembered as bad')
})

/** Moves the clock of the gate. */
function createClock (t: Test) {
  const { now } = Date
  let shift = 0
  Date.now = () => now() + shift
  t.teardown(() => { Date.now = now })
  return { now: () => Date.now(), to (seconds: number) { shift = seconds * 1000 } }
}
const PUT_OFF = { code: 'FMS_OVERLOADED', retry_after_seconds: 5 }

t.test('without the database a session goes on for 30 s and the grace from when the trust ended', async t => {
  const clock = createClock(t)
  const { gate, world, add } = build({ graceMs: 10_000 })
  const { token, id } = add()
  await gate.verify(token)
  clock.to(20)
  Object.assign(world, { trusted: false, trustedAt: clock.now(), broken: true })
  for (const seconds of [21, 49, 59]) {
    clock.to(seconds)
    t.same(await gate.verify(token), { name: id }, `after ${seconds} s`)
  }
  clock.to(61)
  await t.rejects(gate.verify(token), PUT_OFF)
})

t.test('what was not fresh any more when the trust ended does not go on', async t => {
  const clock = createClock(t)
  const { gate, world, add } = build()
  const { token } = add()
  await gate.verify(token)
  clock.to(40)
  Object.assign(world, { trusted: false, trustedAt: clock.now(), broken: true })
  await t.rejects(gate.verify(token), PUT_OFF)
})

t.test('nobody goes on past the end of the token', async t => {
  const clock = createClock(t)
  const { gate, world, add } = build({ graceMs: 3_600_000 })
  const { token } = add({ expiresAt: new Date(Date.now() + 25_000) })
  await gate.verify(token)
  Object.assign(world, { trusted: false, trustedAt: clock.now(), broken: true })
  clock.to(24)
  t.ok(await gate.verify(token))
  clock.to(26)
  await t.rejects(gate.verify(token), PUT_OFF)
})

t.test('what was read before a gap of the bus goes on for its own 30 s and no longer', async t => {
  const clock = createClock(t)
  const { gate, world, add } = build()
  const { token } = add()
  await gate.verify(token)
  clock.to(10)
  gate.flush()
  Object.assign(world, { trusted: false, trustedAt: clock.now(), broken: true })
  clock.to(29)
  t.ok(await gate.verify(token))
  clock.to(31)
  await t.rejects(gate.verify(token), PUT_OFF)
})

t.test('a revocation that is known here holds as long as the grace', async t => {
  const clock = createClock(t)
  const { gate, world, add } = build({ graceMs: 3_600_000 })
  const { token } = add()
  await gate.verify(token)
  gate.invalidate('g', 2)
  Object.assign(world, { trusted: false, trustedAt: clock.now(), broken: true })
  for (const seconds of [0, 130, 3000]) {
    clock.to(seconds)
    await t.rejects(gate.verify(token), PUT_OFF)
  }
})

t.test('where too many new tokens wait for argon2 the rest is put off', async t => {
  const { gate, world, add } = build()
  const tokens = Array.from({ length: 70 }, () => add().token)
  const results = await Promise.allSettled(tokens.map(token => gate.verify(token)))
  const refused = results.filter(result => result.status === 'rejected')
  t.equal(refused.length, 4)
  for (const { reason } of refused) t.match(reason, { code: 'FMS_OVERLOADED', retry_after_seconds: 1 })
  t.equal(gate.argon2Runs(), 66)
  await Promise.all(tokens.map(token => gate.verify(token)))
  t.equal(world.reads, 74)
})

t.test('the semaphore gives a slot on, also after a failure', async t => {
  const slots = createSemaphore(1, 1)
  const failed = slots.run(() => Promise.reject(problem('INTERNAL', 'test')))
  const next = slots.run(async () => 'next')
  await t.rejects(slots.run(async () => 'too many'), { code: 'FMS_OVERLOADED' })
  await t.rejects(failed)
  t.equal(await next, 'next')
  t.equal(await slots.run(async () => 'later'), 'later')
})
