import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../scripts/test-tools.mjs'
import { useCloudPlugin } from '../fixtures/cloud-plugin.ts'
import { makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { kubectl } from '../fixtures/tools.ts'
import type { Bench } from './bench-home.ts'
import type { ClientProcess } from './client-process.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

/** `kubectl get pods` with an exec plugin behind kubeguard, over the same kubectl that runs the plugin itself. */

const gke = 'gke-gcloud-auth-plugin'

/** Whether this machine has the real one. */
export const hasGkePlugin = (): boolean => onPath(gke) !== undefined

/** As long as `aws eks get-token` takes. */
export function slowPluginFigure(_: Bench, clients: ClientProcess): Promise<Figure> {
  return wrappedFigure(clients, 'kubectl get pods, an exec plugin of 600 ms behind it', (home) =>
    useCloudPlugin(home).behaves('sleep 0.6'),
  )
}

/** The real one, with the real gcloud behind it; the token lies in a file, so that nobody is asked over the network. */
export function gkePluginFigure(_: Bench, clients: ClientProcess): Promise<Figure> {
  return wrappedFigure(clients, `kubectl get pods, the real ${gke} behind it`, (home) => {
    const file = join(home.home, 'access-token')
    const changes = {
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      command: gke,
      args: null,
      env: [{ name: 'CLOUDSDK_AUTH_ACCESS_TOKEN_FILE', value: file }],
    }
    writeFileSync(file, useCloudPlugin(home, { changes }).token, { mode: 0o600 })
  })
}

async function wrappedFigure(
  clients: ClientProcess,
  name: string,
  prepare: (home: TestHome) => void,
): Promise<Figure> {
  await using home = makeHome()
  await home.startPlayground()
  prepare(home)
  const unguarded = join(home.root, 'unguarded-kubeconfig')
  copyFileSync(home.kubeconfig, unguarded)
  await home.init()
  await home.unlock('--all')
  const args = ['get', 'pods']
  const { a, b, rounds } = await compare(
    () => clients.time({ file: join(home.shims, 'kubectl'), args, env: home.env }),
    () => clients.time({ file: kubectl(), args, env: { ...home.env, KUBECONFIG: unguarded } }),
    { rounds: 20, warmUp: 2 },
  )
  const baseline = { name: 'same kubectl, plugin unguarded', value: b, unit: 'ms' }
  return { name, value: a / b, unit: '×', baseline, target: 0.5, better: 'at most', rounds }
}
