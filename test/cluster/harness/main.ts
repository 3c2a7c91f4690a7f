/**
 * A cluster by hand: `up` brings one up, says where its kubeconfig is and keeps it until Ctrl-C; `fetch` only builds and
 * unpacks what it needs. Both say what refused where it is not to be had.
 */
import { once } from 'node:events'
import { buildKubernetes } from './build.ts'
import { bringUp } from './cluster.ts'
import { unpackPackages } from './packages.ts'
import { onPath } from '../../../scripts/test-tools.mjs'

const say = (text: string): void => console.error(`cluster: ${text}`)
const needed = ['python3', 'flock', 'setpriv', 'openssl', 'apt-get', 'dpkg-deb', 'tar']

async function up(): Promise<void> {
  const cluster = await bringUp(say)
  console.log(`KUBEGUARD_TEST_KUBECONFIG=${cluster.kubeconfig}`)
  const kept = setInterval(() => {}, 60_000)
  await Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal)))
  clearInterval(kept)
  await cluster.down()
}

async function fetchAll(): Promise<void> {
  const missing = needed.filter((command) => onPath(command) === undefined)
  if (missing.length > 0) throw new Error(`this machine has no ${missing.join(', no ')}`)
  unpackPackages(say)
  await buildKubernetes(say)
}

const verb = { up, fetch: fetchAll }[process.argv[2] ?? '']
if (verb === undefined) {
  say('what? up or fetch')
  process.exitCode = 64
} else {
  try {
    await verb()
  } catch (error) {
    say(`not to be had here: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
