// A program of somebody else's, with the client library for Node: says what it sees, a line each, until its watch ends.
import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node'

const namespace = process.argv[2]
const say = (word, text) => console.log(`${word} ${String(text).replaceAll('\n', ' ')}`)
const config = new KubeConfig()
config.loadFromDefault()
const core = config.makeApiClient(CoreV1Api)

const list = async () => {
  const { items } = await core.listNamespacedPod({ namespace })
  say('pods', items.map(({ metadata }) => metadata.name).join())
}

await list()
const ended = Promise.withResolvers()
await new Watch(config).watch(
  `/api/v1/namespaces/${namespace}/configmaps`,
  {},
  (type, { metadata, message }) => say(type, metadata?.name ?? message),
  (error) => ended.resolve(error),
)
await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'by-node' }, data: { a: 'b' } } })
say('ended', await ended.promise)
await list().catch((error) => say('refused', error.message))
