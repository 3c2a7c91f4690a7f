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
