import { readFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { helm, kubectl } from '../../fixtures/tools.ts'
import { good } from '../../fixtures/home.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import type { BypassCase } from '../bypass-case.ts'
import { copyFor, gotPods, holdsSecret } from '../siege.ts'
import type { Siege } from '../siege.ts'

const getPods = ['get', 'pods']

/** Its template holds what the server says of a pod. */
const lookUpChart = String.raw`mkdir -p chart/templates
printf 'apiVersion: v2\nname: chart\nversion: 1.0.0\n' >chart/Chart.yaml
printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: seen }\ndata:\n' >chart/templates/seen.yaml
printf '  uid: {{ (lookup "v1" "Pod" "default" "web-0").metadata.uid | quote }}\n' >>chart/templates/seen.yaml`

/** What the kubeconfig holds, presented as a bearer token or a key. */
async function curl({ home, server }: Siege): Promise<boolean> {
  const text = readFileSync(home.kubeconfig, 'utf8')
  const token = /token:\s*(\S+)/.exec(text)?.[1] ?? 'none'
  const headers = { authorization: `Bearer ${token}` }
  const url = `${server}/api/v1/namespaces/default/pods`
  const status = await new Promise((resolve, reject) => {
    get(url, { headers, rejectUnauthorized: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    }).on('error', reject)
  })
  return status === 200
}

export const kubeconfigCases: readonly BypassCase[] = [
  {
    name: 'kubectl through the shim',
    whileUnlocked: 'works',
    attempt: async ({ home }) => gotPods(await home.kubectl(getPods)),
  },
  {
    name: 'the real kubectl by its full path',
    whileUnlocked: 'works',
    attempt: async ({ home }) => gotPods(await home.realKubectl(getPods)),
  },
  {
    name: 'env -i and the real kubectl',
    whileUnlocked: 'works',
    attempt: async ({ home, own }) =>
      gotPods(
        await runProgram('/usr/bin/env', ['-i', kubectl(), '--kubeconfig', home.kubeconfig, ...getPods], {
          cwd: '/',
          env: {},
          account: own,
        }),
      ),
  },
  {
    name: 'a copied kubeconfig, named by KUBECONFIG',
    whileUnlocked: 'works',
    attempt: async (siege) => {
      const copy = copyFor(siege, siege.home.kubeconfig, join(siege.home.home, 'copy'))
      return gotPods(await siege.home.realKubectl(getPods, { env: { KUBECONFIG: copy } }))
    },
  },
  {
    name: '--kubeconfig through the shim',
    whileUnlocked: 'works',
    attempt: async (siege) => {
      const copy = copyFor(siege, siege.home.kubeconfig, join(siege.home.home, 'copy'))
      return gotPods(await siege.home.kubectl(['--kubeconfig', copy, ...getPods]))
    },
  },
  {
    name: '--user of a locked policy beside a context of an open one',
    whileUnlocked: 'works',
    attempt: async ({ home }) => {
      const args = ['--context', 'playground', '--user', 'prod-playground', ...getPods]
      return gotPods(await home.kubectl(args)) || gotPods(await home.realKubectl(args))
    },
  },
  {
    name: 'helm',
    whileUnlocked: 'works',
    attempt: async ({ home }) => (await home.run(helm(), ['list'])).code === 0,
  },
  {
    name: 'helm by its shim',
    whileUnlocked: 'works',
    attempt: async ({ home }) => {
      good(await home.kubeguard(['shim', 'add', 'helm']))
      return (await home.run('/usr/bin/env', ['helm', 'list'])).code === 0
    },
  },
  {
    name: 'a command of helm’s that its shim does not ask about, and that asks the server',
    whileUnlocked: 'works',
    attempt: async ({ home }) => {
      good(await home.kubeguard(['shim', 'add', 'helm']))
      good(await home.run('/bin/sh', ['-c', lookUpChart]))
      const { stdout } = await home.run('/usr/bin/env', ['helm', 'template', 'chart', '--dry-run=server'])
      return /uid: "\S+"/.test(stdout)
    },
  },
  {
    name: 'kubeguard cluster check',
    whileUnlocked: 'works',
    attempt: async ({ home }) => {
      const run = await home.kubeguard(['cluster', 'check', '--json', '--fail-on', 'never'])
      return run.stdout !== '' || run.code === 0
    },
  },
  { name: 'curl with whatever the kubeconfig holds', whileUnlocked: 'never', attempt: curl },
  {
    name: 'kubectl config view --raw',
    whileUnlocked: 'never',
    attempt: async (siege) =>
      holdsSecret(siege, (await siege.home.realKubectl(['config', 'view', '--raw'])).stdout),
  },
  {
    name: 'a search of all our files and the home for the secrets',
    whileUnlocked: 'never',
    attempt: async (siege) => {
      for (const secret of siege.secrets) {
        const found = await siege.home.run('/bin/grep', ['-rlaF', '-e', secret, siege.home.root])
        if (found.code === 0) return true
      }
      return false
    },
  },
]
