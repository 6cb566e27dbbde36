import { sql } from 'kysely'
import t from 'tap'
import { createHolds } from '../../plugins/sessions/holds.ts'
import type { SessionPrincipal } from '../../plugins/sessions/index.ts'
import { BY, buildSecurity, until, type Security } from './build-security.ts'

const REFUSED = { code: 'FMS_UNAUTHENTICATED' }

/** Holds the principal; tells whether it was ended, and why. */
async function hold ({ app }: Pick<Security, 'app'>, principal: SessionPrincipal) {
  const reasons: unknown[] = []
  const release = await app.sessions.hold(principal, reason => reasons.push(reason))
  return { reasons, release, isOver: () => reasons.length > 0 }
}

t.test('a revocation ends what is held, once, here and on the other replica', async t => {
  const a = await buildSecurity(t)
  const b = await buildSecurity(t, { url: a.url })
  const { access_token: token, session_id: id } = await a.app.sessions.create(a.connectionId, {}, BY)
  const { access_token: other } = await a.app.sessions.create(a.connectionId, {}, BY)
  const here = await hold(a, await a.app.sessions.verify(token))
  const there = await hold(b, await b.app.sessions.verify(token))
  const released = await hold(a, await a.app.sessions.verify(token))
  released.release()
  const kept = await hold(a, await a.app.sessions.verify(other))
  await a.app.sessions.revoke(id, BY)
  t.match(here.reasons, [REFUSED])
  await until(there.isOver)
  t.match(there.reasons, [REFUSED])
  t.same([released.reasons, kept.reasons], [[], []])
  await a.app.sessions.revokeAll(a.connectionId, BY)
  t.match(kept.reasons, [REFUSED])
  t.equal(here.reasons.length, 1)
})

t.test('a rotation ends what was begun with the former token: at once, or at the end of the grace', async t => {
  const a = await buildSecurity(t)
  const b = await buildSecurity(t, { url: a.url })
  const make = async () => {
    const { access_token: token, session_id: id } = await a.app.sessions.create(a.connectionId, {}, BY)
    return { id, held: await hold(b, await b.app.sessions.verify(token)) }
  }
  const [atOnce, later, soon] = [await make(), await make(), await make()]
  await a.app.sessions.rotate(atOnce.id, {}, BY)
  const { access_token: token } = await a.app.sessions.rotate(later.id, { graceSeconds: 3600 }, BY)
  await a.app.sessions.rotate(soon.id, { graceSeconds: 1 }, BY)
  const current = await hold(b, await b.app.sessions.verify(token))
  await until(atOnce.held.isOver)
  await until(soon.held.isOver)
  t.same([later.held.reasons, current.reasons], [[], []])
  await a.app.sessions.rotate(later.id, { graceSeconds: 3600 }, BY)
  await until(later.held.isOver)
  t.same(current.reasons, [], 'now the former token\'s')
})

t.test('what is held ends when the session expires', async t => {
  const a = await buildSecurity(t)
  const { access_token: token, session_id: id } = await a.app.sessions.create(a.connectionId, {}, BY)
  await sql`UPDATE sessions SET expires_at = now() + interval '1 second' WHERE id = ${id}`.execute(a.app.db)
  const principal = await a.app.sessions.verify(token)
  const { isOver } = await hold(a, principal)
  await until(isOver)
  await t.rejects(a.app.sessions.hold(principal, () => t.fail('not held')), REFUSED)
})

t.test('what was let in before a revocation and begins after it is refused', async t => {
  const a = await buildSecurity(t)
  const b = await buildSecurity(t, { url: a.url })
  const { access_token: token, session_id: id } = await a.app.sessions.create(a.connectionId, {}, BY)
  const { session_id: other } = await a.app.sessions.create(a.connectionId, {}, BY)
  const principals = [await a.app.sessions.verify(token), await b.app.sessions.verify(token)]
  const heard: unknown[] = []
  b.app.sessions.onRevoked(match => heard.push(match))
  await a.app.sessions.revoke(other, BY)
  await until(() => heard.length > 0)
  for (const [i, { app }] of [a, b].entries()) {
    const release = await app.sessions.hold(principals[i]!, () => t.fail('it was another session'))
    release()
  }
  await a.app.sessions.revoke(id, BY)
  await until(() => heard.length > 1)
  for (const [i, { app }] of [a, b].entries()) {
    await t.rejects(app.sessions.hold(principals[i]!, () => {}), REFUSED)
  }
})

t.test('a revocation that nobody was told of ends what is held when the rows are read again', async t => {
  let end = Infinity
  let isBroken = false
  const failures: unknown[] = []
  const holds = createHolds({
    readEnds: async principals => {
      if (isBroken) throw new Error('test')
      return principals.map(() => end)
    },
    isCurrent: () => true,
    onFailure: error => failures.push(error),
    recheckMs: 20
  })
  t.teardown(holds.close)
  const principal: SessionPrincipal = {
    kind: 'session',
    session_id: 'session-1',
    connection_id: 'connection-1',
    name: null,
    expires_at: null,
    scope: {},
    token_last_four: 'test',
    previous_expires_at: null
  }
  const reasons: unknown[] = []
  await holds.hold(principal, reason => reasons.push(reason))
  isBroken = true
  await until(() => failures.length > 1)
  t.same(reasons, [], 'while the database is away it goes on')
  end = 0
  isBroken = false
  await until(() => reasons.length > 0)
  t.match(reasons, [REFUSED])
})
