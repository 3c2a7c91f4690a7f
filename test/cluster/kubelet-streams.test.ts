import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { checkKubeletStreams } from '../../src/cluster-check/checks/kubelet-streams.ts'
import { Notes } from '../../src/cluster-check/report.ts'
import { describeWithApiServers } from './second-api-server.ts'
import { cluster, describeWithPods } from './fixture.ts'
import { nodeName } from './harness/node.ts'

const folder = dirname(cluster.kubeconfig)
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

/** An API server leads nobody to a kubelet on loopback, which ours is on: so it is asked as an API server would. */
function configz(): Promise<string> {
  const { port } = JSON.parse(read('kubelet.json')) as { port: number }
  const tls = {
    ca: read('ca.crt'),
    cert: read('apiserver-to-kubelet.crt'),
    key: read('apiserver-to-kubelet.key'),
  }
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const asking = request({ host: nodeName, port, path: '/configz', agent: false, ...tls }, (answer) => {
    let text = ''
    answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
    answer.on('end', () => resolve(text))
  })
  asking.on('error', reject)
  asking.end()
  return promise
}

describeWithPods('a real kubelet', () => {
  describeWithApiServers('of ours', () => {
    test('what it says at /configz is read as it is, and as its setting would make it', async () => {
      const text = await configz()
      const findingsFor = async (answer: string): Promise<string[]> => {
        const notes = new Notes()
        const kubectl = ([, what = '']: readonly string[]) =>
          Promise.resolve({ ok: true as const, text: what === 'nodes' ? nodeName : answer })
        await checkKubeletStreams({ kubectl, anonymously: () => Promise.resolve({ status: 401 }) }, notes)
        const { findings } = notes.report({ user: '', server: '', platform: 'server' })
        return findings.map(({ evidence }) => evidence)
      }
      expect(await findingsFor(text)).toEqual(['streamingConnectionIdleTimeout: 4h0m0s'])
      expect(await findingsFor(text.replace('"4h0m0s"', '"15m0s"'))).toEqual([])
    })
  })
})
