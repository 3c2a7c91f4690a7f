import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { toolsFolder } from '../../../scripts/test-tools.mjs'
import { findGo } from './go.ts'

const source = new URL('../kubernetes', import.meta.url).pathname
const programs = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl']

/** A build on two cores takes a quarter of an hour; another one may have to be waited for first. */
const buildTimeoutMs = 60 * 60_000

/** Where what the harness needs is kept between runs, outside the repository. */
export const cacheFolder = (): string => dirname(toolsFolder())

/** @returns the version of Kubernetes that go.mod names. */
function kubernetesVersion(): string {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(source, 'go.mod'), 'utf8'))?.[1]
  if (version === undefined) throw new Error('go.mod names no version of k8s.io/kubernetes')
  return version
}

/** A build of the module alone knows no version of itself: the API server takes its features from it. */
function linkerFlags(version: string): string {
  const [major, minor] = version.slice(1).split('.')
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  const set = (name: string): string[] =>
    Object.entries(values).map(([key, value]) => `-X ${name}.${key}=${value}`)
  return ['-s -w', ...set('k8s.io/component-base/version'), ...set('k8s.io/client-go/pkg/version')].join(' ')
}

/** Where the programs are, or will be: named by all that decides what they are. */
export function kubernetesFolder(): string {
  const hash = createHash('sha256')
  for (const name of ['go.mod', 'go.sum']) hash.update(readFileSync(join(source, name)))
  hash.update(linkerFlags(kubernetesVersion())).update(programs.join())
  return join(cacheFolder(), `kubernetes-${kubernetesVersion()}-${hash.digest('hex').slice(0, 12)}`)
}

/**
 * Builds Kubernetes from test/cluster/kubernetes/go.mod, once; who comes meanwhile waits for the same build.
 * @returns the folder of the programs.
 * @throws Error with what the Go tool said.
 */
export async function buildKubernetes(say: (text: string) => void): Promise<string> {
  const folder = kubernetesFolder()
  if (existsSync(folder)) return folder
  const version = kubernetesVersion()
  say(`building Kubernetes ${version}: about a quarter of an hour, once`)
  const packages = programs.map((name) => `k8s.io/kubernetes/cmd/${name}`)
  const go = [
    await findGo(say),
    'build',
    '-mod=readonly',
    '-trimpath',
    '-ldflags',
    linkerFlags(version),
    '-o',
    `${folder}.partial/`,
  ]
  const script = '[ -e "$1" ] || { folder=$1; shift; "$@" && mv -T "$folder.partial" "$folder"; }'
  const startedAt = performance.now()
  const built = spawnSync(
    'flock',
    [join(cacheFolder(), 'kubernetes.lock'), 'sh', '-c', script, 'sh', folder, ...go, ...packages],
    {
      cwd: source,
      env: { ...process.env, CGO_ENABLED: '0' },
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: buildTimeoutMs,
    },
  )
  if (built.status !== 0)
    throw new Error(`Kubernetes ${version} can't be built: ${built.error?.message ?? built.stderr}`)
  say(`built Kubernetes in ${Math.round((performance.now() - startedAt) / 1000)} s`)
  return folder
}
