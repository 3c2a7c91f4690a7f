import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parse } from 'yaml'
import { environmentOf, makeHome } from '../../fixtures/home.ts'
import type { HomeOptions, TestHome } from '../../fixtures/home.ts'
import { policyFile } from '../../fixtures/policy.ts'

/** Writes the rules: `prod` for the contexts `prod-*`, by a gateway or by the plugin. */
export function writeRules(
  home: TestHome,
  access: 'plugin' | 'gateway',
  { holders = 'expire' }: { holders?: 'expire' | 'end' } = {},
): void {
  mkdirSync(dirname(policyFile(home)), { recursive: true, mode: 0o700 })
  const rules = {
    apiVersion: 'kubeguard.dev/v1',
    policies: [
      { name: 'prod', contexts: ['prod-*'], access, holders },
      { name: 'default', contexts: ['*'] },
    ],
  }
  writeFileSync(policyFile(home), JSON.stringify(rules), { mode: 0o600 })
}

/** A home with a playground, whose context `prod-playground` is adopted behind a gateway; locked. */
export async function gatewayHome(options: HomeOptions = {}): Promise<TestHome> {
  const home = makeHome(options)
  try {
    await home.startPlayground()
    writeRules(home, 'gateway')
    await home.init()
    return home
  } catch (error) {
    await home.dispose()
    throw error
  }
}

/** Processes of this home that run one of our bundles. */
export function pidsOf(home: TestHome, bundle: 'daemon' | 'keeper' | 'gateway'): number[] {
  return readdirSync('/proc')
    .filter(
      (name) => /^\d+$/.test(name) && environmentOf(name).includes(`KUBEGUARD_HOME=${home.guardHome}\0`),
    )
    .map(Number)
    .filter((pid) => commandOf(pid).some((part) => part.endsWith(`dist/${bundle}.cjs`)))
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
  } catch {
    return []
  }
}

/** What a kubeconfig says of the gateway. */
export interface GatewayEntry {
  readonly url: string
  readonly port: number
  readonly caPem: string
}

export function gatewayEntry(home: TestHome): GatewayEntry {
  const { clusters } = parse(readFileSync(home.kubeconfig, 'utf8')) as Kubeconfig
  const found = clusters.find(({ name }) => name.endsWith('-kubeguard-prod'))
  if (found === undefined) throw new Error('no cluster is a gateway')
  const { server, 'certificate-authority-data': ca } = found.cluster
  return { url: server, port: Number(new URL(server).port), caPem: Buffer.from(ca, 'base64').toString() }
}

interface Kubeconfig {
  readonly clusters: readonly {
    readonly name: string
    readonly cluster: { readonly 'server': string; readonly 'certificate-authority-data': string }
  }[]
}
