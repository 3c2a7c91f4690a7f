/**
 * A cluster by hand: `up` brings one up, says where its kubeconfig is and keeps it until Ctrl-C; `fetch` only brings
 * what it needs; `can` tells by its exit code whether this machine has what that takes.
 */
import { once } from 'node:events'
import { buildKubernetes } from './build.ts'
import { bringUp } from './cluster.ts'
import { unpackPackages } from './packages.ts'
import { onPath } from '../../../scripts/test-tools.mjs'

const say = (text: string): void => console.error(`cluster: ${text}`)
const needed = ['go', 'flock', 'setpriv', 'openssl', 'apt-get', 'dpkg-deb', 'tar']

async function up(): Promise<void> {
  const cluster = await bringUp(say)
  console.log(`KUBEGUARD_TEST_KUBECONFIG=${cluster.kubeconfig}`)
  const kept = setInterval(() => {}, 60_000)
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
  clearInterval(kept)
  await cluster.down()
}

function can(): void {
  const missing = needed.filter((command) => onPath(command) === undefined)
  if (missing.length === 0) return
  say(`not to be had here: no ${missing.join(', no ')}`)
  process.exitCode = 1
}

const verbs: Record<string, () => unknown> = {
  up,
  can,
  fetch: () => (unpackPackages(say), buildKubernetes(say)),
}
const verb = verbs[process.argv[2] ?? '']
if (verb === undefined) {
  say('what? up, fetch or can')
  process.exitCode = 64
} else await verb()
