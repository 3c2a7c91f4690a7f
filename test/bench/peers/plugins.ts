import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../../scripts/test-tools.mjs'
import { clientId } from '../../fixtures/identity-provider.ts'
import { makeOidcHome } from '../../fixtures/oidc-home.ts'
import { pluginCommand } from '../bench-home.ts'
import type { Bench } from '../bench-home.ts'
import type { ClientProcess, Job } from '../client-process.ts'
import { compete } from './contest.ts'
import type { Contest, Entrant } from './contest.ts'
import { buildKubelogin, kubeloginName } from './kubelogin.ts'

const gke = 'gke-gcloud-auth-plugin'

/** Each answers with a credential that it has already: nobody is asked to log in, and no network is used. */
export async function pluginContest(
  bench: Bench,
  clients: ClientProcess,
  say: (text: string) => void,
): Promise<Contest> {
  const undo: (() => Promise<void>)[] = []
  try {
    const { command, args } = pluginCommand(bench.home)
    const time = (job: Job) => (): Promise<number> => clients.time(job)
    const kubelogin = await loggedInKubelogin((one) => undo.push(one), say)
    // It has logged in before anything is timed.
    await clients.time(kubelogin)
    const google = gkePlugin(bench)
    const quick: Entrant[] = [
      {
        name: 'kubeguard-credential',
        isOurs: true,
        once: time({ file: command, args, env: bench.home.env }),
      },
      { name: kubeloginName, once: time(kubelogin) },
    ]
    const slow = google === undefined ? [] : [{ name: gke, once: time(google) }]
    return {
      title: 'a credential plugin that has what it gives',
      unit: 'ms',
      about: `From start to end, with a token that is still good: ours from the keeper’s memory, kubelogin’s from its file, ${gke}’s from gcloud, which it runs, and which is pointed to a file (in rounds of its own).`,
      peers: [
        ...(await compete(quick, { rounds: 100, warmUp: 5 })),
        ...(await compete(slow, { rounds: 10, warmUp: 1 })),
      ],
    }
  } finally {
    for (const one of undo.toReversed()) await one()
  }
}

/** A real log-in at a real provider, by a browser that follows; after it the token lies in kubelogin's cache. */
async function loggedInKubelogin(
  atEnd: (undo: () => Promise<void>) => void,
  say: (text: string) => void,
): Promise<Job> {
  const file = await buildKubelogin(say)
  const { home, provider, redirect, browser } = await makeOidcHome(atEnd, { idTokenSeconds: 3600 })
  const flags = {
    'oidc-issuer-url': provider.issuer,
    'oidc-client-id': clientId,
    'certificate-authority': provider.caFile(home),
    'listen-address': new URL(redirect).host.replace('localhost', '127.0.0.1'),
    'browser-command': browser,
    'token-cache-dir': join(home.root, 'kubelogin'),
  }
  const args = ['get-token', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)]
  return { file, args, env: home.env }
}

/** As in the figure of the wrapped one: the real gcloud behind it is told where a token lies. */
function gkePlugin({ home }: Bench): Job | undefined {
  const file = onPath(gke)
  if (file === undefined) return undefined
  const token = join(home.home, 'access-token')
  writeFileSync(token, 'of-no-use-anywhere', { mode: 0o600 })
  return { file, args: [], env: { ...home.env, CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: token } }
}
