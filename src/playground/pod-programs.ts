import { pause } from './builtin-shell/pause.ts'
import type { ProgramWorld } from './builtin-shell/program.ts'
import type { KubeObject } from './kube-object.ts'
import { logLine } from './log-stream.ts'

/** @returns what a program in a pod finds in its environment. */
export function environmentOf({ metadata }: KubeObject): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/',
    HOSTNAME: metadata.name,
    POD_NAMESPACE: metadata.namespace ?? 'default',
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
  }
}

/** @returns the few made-up files of a pod, by absolute path. */
export function filesOf({ metadata }: KubeObject): ReadonlyMap<string, string> {
  return new Map([
    ['/etc/hostname', `${metadata.name}\n`],
    ['/etc/hosts', `127.0.0.1\tlocalhost\n`],
    ['/etc/os-release', 'NAME="kubeguard playground"\nID=playground\n'],
    ['/app/README', 'A pod of the kubeguard playground. Nothing here reaches your machine.\n'],
    ['/var/run/secrets/kubernetes.io/serviceaccount/namespace', metadata.namespace ?? 'default'],
  ])
}

/** What `kubectl attach` shows: the container's output as it goes on. */
export async function runAttached(
  world: ProgramWorld,
  container: string,
  intervalMs: number,
): Promise<number> {
  return world.foreground(async (signal) => {
    while (!signal.aborted) {
      await world.write(logLine(container, Date.now()))
      await pause(intervalMs, signal)
    }
    return 0
  })
}
