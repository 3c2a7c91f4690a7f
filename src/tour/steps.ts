import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'
import type { ChildProcess } from 'node:child_process'
import { idleSeconds, passphrase, until } from './stage.ts'
import type { Stage } from './stage.ts'
import type { Narrator } from './narrator.ts'

/** What a step needs to know of the ones before it. */
export interface Tour {
  readonly stage: Stage
  readonly narrator: Narrator
  /** The secrets that lay in the kubeconfig when the tour began. */
  readonly secrets: string[]
  /** Streams that are open; the lock must end them. */
  readonly streams: ChildProcess[]
}

const secretPattern = /(?:^|\s)(?:token|client-key-data):\s*"?([^\s"]+)/g

/** A kubeconfig as a cloud's command line leaves it: with its secrets in plain text. */
export async function showKubeconfig({ stage, narrator, secrets }: Tour): Promise<void> {
  narrator.title('1  A kubeconfig, as usual')
  await stage.startPlayground()
  for (const match of stage.readKubeconfig().matchAll(secretPattern))
    if (match[1] !== undefined) secrets.push(match[1])
  narrator.show('grep -E "token|client-key-data" ~/.kube/config')
  for (const secret of secrets) narrator.say(`  ${secret.slice(0, 12)}…`)
  narrator.check('whoever reads this file has the cluster', secrets.length > 0)
  await narrator.breathe()
}

export async function setUp({ stage, narrator, secrets }: Tour): Promise<void> {
  narrator.title('2  kubeguard init: the secrets move into a vault')
  const init = await stage.kubeguard(['init', '--yes', '--passphrase-fd', '3'], passphrase)
  narrator.show('kubeguard init --yes', init, 14)
  const file = stage.readKubeconfig()
  narrator.check('init went through', init.code === 0, init)
  narrator.check(
    'no secret is left in the file',
    secrets.every((secret) => !file.includes(secret)),
  )
  await narrator.breathe()
}

export async function work({ stage, narrator }: Tour): Promise<void> {
  narrator.title('3  Unlock, and work as ever')
  const unlock = await stage.kubeguard(['unlock', '--passphrase-fd', '3'], passphrase)
  narrator.show('kubeguard unlock', unlock)
  narrator.check('unlocked', unlock.code === 0, unlock)
  const pods = await stage.kubectl(['get', 'pods'])
  narrator.show('kubectl get pods', pods)
  narrator.check('kubectl works', pods.code === 0 && pods.output.includes('Running'), pods)
}

export async function openStreams({ stage, narrator, streams }: Tour): Promise<void> {
  narrator.title('4  Something that stays open: exec and port-forward')
  const shim = `${stage.guardHome}/data/shims/kubectl`
  const exec = stage.start(shim, ['exec', 'web-0', '--', 'sleep', '600'])
  narrator.show('kubectl exec web-0 -- sleep 600 &')
  const forward = stage.start(shim, ['port-forward', 'pod/web-0', ':8080'])
  narrator.show('kubectl port-forward pod/web-0 :8080 &')
  streams.push(exec, forward)
  const port = await forwardedPort(forward)
  narrator.check('the forwarded port answers', (await statusOf(`http://127.0.0.1:${port}/`)) !== undefined)
  narrator.check('both are running', streams.every(isRunning))
}

/** The forwarded port, from kubectl's own line. */
function forwardedPort(forward: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error(`port-forward did not start: ${text}`)), 15_000)
    const listen = (chunk: Buffer): void => {
      text += chunk.toString()
      const match = /127\.0\.0\.1:(\d+)/.exec(text)
      if (match === null) return
      clearTimeout(timer)
      resolve(Number(match[1]))
    }
    forward.stdout?.on('data', listen)
    forward.stderr?.on('data', listen)
  })
}

export async function goIdle({ stage, narrator, streams }: Tour): Promise<void> {
  narrator.title(
    `5  Now do nothing for ${idleSeconds} seconds (this tour's idle limit; 14 minutes unless set)`,
  )
  if (narrator.interactive) {
    narrator.say('  hands off the keyboard: a key pressed here means that you are there')
    narrator.say(
      '  (the kernel notes keys in steps of 8 s, so with a limit this short it may take a few seconds more)',
    )
  }
  const from = performance.now()
  // Whoever keeps typing keeps the session open, and is not told that the lock failed.
  const patienceSeconds = narrator.interactive ? 300 : 20
  await until('the lock', () => !streams.some(isRunning), (idleSeconds + patienceSeconds) * 1000)
  narrator.say(`  … ${Math.round((performance.now() - from) / 100) / 10} s later`)
  narrator.check('exec and port-forward have ended', !streams.some(isRunning))
  const status = await stage.kubeguard(['status'])
  narrator.show('kubeguard status', status)
  narrator.check('the session is locked, and status says so by its exit code', status.code === 77, status)
  await narrator.breathe()
}

export async function tryTheWall(tour: Tour): Promise<void> {
  const { stage, narrator, secrets } = tour
  narrator.title('6  The wall, from four sides')
  const shim = await stage.kubectl(['get', 'pods'])
  narrator.show('kubectl get pods', shim)
  narrator.check('the shim refuses', shim.code === 77, shim)
  const real = await stage.run(stage.realKubectl, ['get', 'pods'])
  narrator.show(`${stage.realKubectl} get pods`, real, 2)
  narrator.check(
    'the real kubectl by its full path gets nothing',
    real.code !== 0 && !real.output.includes('Running'),
    real,
  )
  await tryAnotherClient(tour)
  const raw = await stage.run(stage.realKubectl, ['config', 'view', '--raw'])
  narrator.show('kubectl config view --raw')
  narrator.check(
    'the file holds nothing to steal',
    raw.code === 0 && secrets.every((secret) => !raw.output.includes(secret)),
    raw,
  )
  await narrator.breathe()
}

async function tryAnotherClient({ stage, narrator }: Tour): Promise<void> {
  if (stage.helm !== undefined) {
    const helm = await stage.run(stage.helm, ['list'])
    narrator.show('helm list', helm, 2)
    narrator.check('helm gets nothing', helm.code !== 0, helm)
    return
  }
  const server = /server:\s*(\S+)/.exec(stage.readKubeconfig())?.[1] ?? ''
  const status = await statusOf(`${server}/api/v1/namespaces/default/pods`)
  narrator.show(`curl -k ${server}/api/v1/namespaces/default/pods`)
  narrator.check('curl gets nothing', status === 401)
}

export async function goOn({ stage, narrator }: Tour): Promise<void> {
  narrator.title('7  Prove who you are, and on it goes')
  const unlock = await stage.kubeguard(['unlock', '--passphrase-fd', '3'], passphrase)
  narrator.show('kubeguard unlock', unlock)
  const pods = await stage.kubectl(['get', 'pods'])
  narrator.show('kubectl get pods', pods)
  narrator.check('kubectl works again', unlock.code === 0 && pods.code === 0, pods)
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

/** The HTTP status that a URL answers with, or undefined when nobody answers. */
function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    // A server of ours on loopback whose CA the kubeconfig names: what is asked here is only who is let in.
    const request = url.startsWith('https:')
      ? httpsGet(url, { rejectUnauthorized: false, timeout: 5_000 })
      : httpGet(url, { timeout: 5_000 })
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}
