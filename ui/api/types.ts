import type { paths } from './schema.d.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
type Operation<P extends keyof paths, M extends Method> = paths[P][M]
type JsonOf<T> = T extends { content: { 'application/json': infer Body } } ? Body : never

/** What a route answers. */
export type Answer<P extends keyof paths, M extends Method = 'get', Status extends number = 200> =
  Operation<P, M> extends { responses: infer R } ? Status extends keyof R ? JsonOf<R[Status]> : never : never

/** What a route takes. */
export type Body<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody?: infer B } ? JsonOf<NonNullable<B>> : never

/** The query of a route. */
export type Query<P extends keyof paths> =
  paths[P]['get'] extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never

export type Admin = Answer<'/api/admin'>
export type AuditPage = Answer<'/api/audit'>
export type AuditEntry = AuditPage['items'][number]
export type AuditQuery = Query<'/api/audit'>
export type Connection = Answer<'/api/connections/{id}'>
export type ConnectionSettings = Connection['settings']
export type CredentialStatus = Connection['credentials'][number]
export type NewSession = Answer<'/api/connections/{id}/session', 'post', 201>
export type OneTimeToken = Answer<'/api/sessions/{id}/one-time-token', 'post', 201>
export type ProviderInfo = Answer<'/api/providers'>[number]
export type ProviderName = CredentialStatus['provider']
export type ProviderUsage = Answer<'/api/connections/{id}/usage'>[number]
export type Entitlements = Answer<'/api/connections/{id}/entitlements'>
export type ListedSession = Answer<'/api/sessions/{id}'>
export type Session = Omit<ListedSession, 'calls_today'>
export type SessionRequest = NonNullable<Body<'/api/connections/{id}/session', 'post'>>
export type Scope = Session['scope']
export type Tool = Answer<'/api/connections/{id}/tools'>['tools'][number]
export type Trial = Answer<'/api/connections/{id}/tools/{name}', 'post'>
export type Usage = Answer<'/api/usage'>
export type UsageQuery = Query<'/api/usage'>
