import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { ConfigSchema } from '../../config.ts'

const folder = join(import.meta.dirname, '../../deploy/kubernetes')
const files = readdirSync(folder).filter(name => name !== 'kustomization.yaml')

interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string, labels: Record<string, string> }
  [key: string]: any
}
interface Model { validate: () => void }

const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const parse = (text: string) => parseAllDocuments(text).map(document => document.toJS() as Manifest)
const manifests = files.flatMap(name => parse(read(name)))
const find = (kind: string) => manifests.find(manifest => manifest.kind === kind)!

/** The fields that nothing has read of an object that was read through `proxy`, each as its path. */
function watch (target: object, path = '') {
  const unread = new Map(Object.entries(target).map(([key, value]) => [key, typeof value === 'object' && value !== null
    ? watch(value as object, `${path}/${key}`)
    : { proxy: value as unknown, rest: (): string[] => [] }]))
  const children = new Map(unread)
  const proxy: object = new Proxy(target, {
    get (_, key, receiver) {
      unread.delete(String(key))
      return children.get(String(key))?.proxy ?? Reflect.get(target, key, receiver)
    }
  })
  const rest = (): string[] => [
    ...[...unread.keys()].map(key => `${path}/${key}`),
    ...[...children].filter(([key]) => !unread.has(key)).flatMap(([, child]) => child.rest())
  ]
  return { proxy, rest }
}

/** What the Kubernetes API's own schema has against a manifest; what it does not know it never reads. */
async function faultsOf (manifest: Manifest): Promise<string[]> {
  const models = await import(`kubernetes-models/${manifest.apiVersion}`) as Record<string, new (data: object) => Model>
  const Kind = models[manifest.kind]
  if (!Kind) return [`no such kind: ${manifest.apiVersion} ${manifest.kind}`]
  const { proxy, rest } = watch(new Kind(manifest))
  try {
    Kind.prototype.validate.call(proxy as Model)
  } catch (error) {
    return [String(error)]
  }
  return rest()
}

t.test('every manifest fits the schema of its kind, and has no field that this does not know', async t => {
  for (const name of files) {
    for (const manifest of parse(read(name))) t.same(await faultsOf(manifest), [], `${name}: ${manifest.kind}`)
  }
  const broken = parse(read('deployment.yaml').replace('readinessProbe', 'readynessProbe'))[0]!
  t.same(await faultsOf(broken), ['/spec/template/spec/containers/0/readynessProbe'], 'a misspelt field is found')
  const wrong = parse(read('service.yaml').replace('port: 80', 'port: eighty'))[0]!
  t.match(await faultsOf(wrong), [/must be integer/], 'a wrong type is found')
})

t.test('the manifests select each other', t => {
  const { 'app.kubernetes.io/name': name } = find('Deployment').metadata.labels
  const labels = { 'app.kubernetes.io/name': name }
  t.same(find('Deployment')['spec'].template.metadata.labels, labels)
  t.same(find('Service')['spec'].selector, labels)
  t.same(find('PodDisruptionBudget')['spec'].selector.matchLabels, labels)
  t.same(find('NetworkPolicy')['spec'].podSelector.matchLabels, labels)
  t.match(find('HorizontalPodAutoscaler')['spec'].scaleTargetRef, { kind: 'Deployment', name: find('Deployment').metadata.name })
  const [container] = find('Deployment')['spec'].template.spec.containers
  t.equal(container.envFrom[0].configMapRef.name, find('ConfigMap').metadata.name)
  t.equal(find('Deployment')['spec'].template.spec.volumes[0].secret.secretName, find('Secret').metadata.name)
  t.end()
})

t.test('the kustomization names every manifest but the example of the secret', t => {
  const [{ resources }] = parse(read('kustomization.yaml')) as [Manifest]
  t.same(resources.sort(), files.filter(name => !name.includes('example')).sort())
  t.end()
})

t.test('the pod keeps to the restricted standard, and the example of the secret holds none', t => {
  const { spec } = find('Deployment')['spec'].template
  t.match(spec, {
    automountServiceAccountToken: false, securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }
  })
  t.match(spec.containers[0].securityContext, {
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] }
  })
  t.same(Object.values(find('Secret')['stringData']), ['', ''])
  t.end()
})

t.test('the ConfigMap sets variables that there are, and leaves a pod the time to drain', t => {
  const { data } = find('ConfigMap')
  t.same(Object.keys(data).filter(name => !(name in ConfigSchema.properties)), [])
  t.ok(find('Deployment')['spec'].template.spec.terminationGracePeriodSeconds > Number(data.DRAIN_SECONDS) + 10)
  t.end()
})
