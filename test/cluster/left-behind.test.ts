import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { good } from '../fixtures/home.ts'
import { runProgram } from '../fixtures/run-program.ts'
import { node, until } from '../fixtures/terminal.ts'
import { cluster, kubectls } from './fixture.ts'
import { processesOf, sweepLeftBehind } from './harness/left-behind.ts'

const harness = new URL('harness/main.ts', import.meta.url).pathname

const cgroupsWith = (id: string): string[] =>
  readdirSync('/sys/fs/cgroup')
    .map((hierarchy) => join('/sys/fs/cgroup', hierarchy, 'k8s.io', id))
    .filter(existsSync)

const isRunning = (argument: string): boolean =>
  readdirSync('/proc').some((entry) => {
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'latin1').split('\0').includes(argument)
    } catch {
      return false
    }
  })

/** Interfaces, bridges among them; named network namespaces. */
const network = (): string =>
  execFileSync('ip', ['-o', 'link'], { encoding: 'utf8' }) +
  execFileSync('ip', ['netns'], { encoding: 'utf8' })

// A cluster that others brought up is theirs, and so is what it leaves.
test.skipIf(cluster.staticToken === undefined)(
  'a cluster whose harness was killed leaves no process, mount, network, cgroup or folder',
  async () => {
    const before = network()
    const owner = spawn(node, [harness, 'up'], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [owner.stdout, owner.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
    const kubeconfig = await until('a cluster', () => /^KUBEGUARD_TEST_KUBECONFIG=(.*)$/m.exec(said)?.[1], {
      withinMs: 90_000,
      now: () => said,
    })
    const folder = dirname(kubeconfig)
    const sleeps = `1${randomBytes(3).readUIntBE(0, 3)}`
    try {
      expect(processesOf(folder).length).toBeGreaterThan(3)
      if (cluster.noPods === undefined) await runPod(kubeconfig, sleeps)
    } finally {
      owner.kill('SIGKILL')
    }
    const tasks = join(folder, 'containerd', 'io.containerd.runtime.v2.task', 'k8s.io')
    const ids = existsSync(tasks) ? readdirSync(tasks) : []
    expect(ids.flatMap(cgroupsWith).length > 0).toBe(cluster.noPods === undefined)
    await until('the end of its programs', () => processesOf(folder).length === 0)
    await sweepLeftBehind()
    expect(existsSync(folder)).toBe(false)
    expect(isRunning(sleeps)).toBe(false)
    expect(ids.flatMap(cgroupsWith)).toEqual([])
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(folder)
    expect(network()).toBe(before)
  },
)

async function runPod(kubeconfig: string, sleeps: string): Promise<void> {
  const env = { KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig) }
  const kubectl = async (...args: string[]) =>
    good(await runProgram(kubectls[0]?.path ?? '', args, { env, timeoutMs: 60_000 }))
  await kubectl('wait', 'serviceaccount/default', '--for=create', '--timeout=30s')
  const image = [`--image=${cluster.image}`, '--image-pull-policy=Never']
  await kubectl('run', 'sleeper', ...image, '--command', '--', 'sleep', sleeps)
  await kubectl('wait', 'pod/sleeper', '--for=condition=Ready', '--timeout=30s')
  // Ready a moment before runc has become it.
  await until('the program in the pod', () => isRunning(sleeps))
}
