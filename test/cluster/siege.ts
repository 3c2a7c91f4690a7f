import { randomBytes } from 'node:crypto'
import { chownSync, writeFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { besiege } from '../bypass/besiege.ts'
import type { matrix } from '../bypass/matrix.ts'
import { fightOn } from '../bypass/siege.ts'
import { boundToken, clientCertificate } from './credentials.ts'
import { admin, cluster, kubeconfigText, makeNamespace } from './fixture.ts'
import { siegePods } from './siege-pods.ts'
import { startPod } from './pods.ts'

const name = `kg-siege-${randomBytes(4).toString('hex')}`
const ends: (() => Promise<unknown>)[] = []

/** The attackers' pods are in `default`; who attacks comes from a namespace that goes. */
async function prepare(): Promise<string> {
  const namespace = await makeNamespace((remove) => ends.push(remove))
  ends.push(() => admin(['delete', 'clusterrolebinding', name, '--ignore-not-found']))
  const token = await boundToken(namespace)
  const prod = await clientCertificate(name)
  const subjects = [`--serviceaccount=${namespace}:person`, `--user=${name}`]
  await admin(['create', 'clusterrolebinding', name, '--clusterrole=cluster-admin', ...subjects])
  for (const pod of siegePods) await startPod('default', pod)
  return kubeconfigText({ 'playground': { token }, 'prod-playground': prod.user }, 'default')
}

/** Registers these cases of the bypass matrix on the cluster under test. */
export function besiegeCluster(cases: typeof matrix): void {
  let prepared: Promise<string> | undefined
  // Not in a hook: the first of them lays the siege.
  fightOn(async (home) => {
    prepared ??= prepare()
    writeFileSync(home.kubeconfig, await prepared, { mode: 0o600 })
    if (home.account !== undefined) chownSync(home.kubeconfig, home.account.uid, home.account.gid)
  })

  test('the siege was laid on the cluster', () => expect(prepared).toBeDefined())

  afterAll(async () => {
    for (const end of ends) await end()
  })

  // A stream leads into a pod.
  const { 'live streams and holders': streams = [], ...others } = cases
  besiege(others)
  besiege({ 'live streams and holders': streams }, cluster.noPods !== undefined)
}
