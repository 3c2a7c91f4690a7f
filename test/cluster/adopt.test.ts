import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { good, passphrase } from '../fixtures/home.ts'
import type { Run } from '../fixtures/run-program.ts'
import { credentialKinds } from './credentials.ts'
import { clusterHome, kubectls, makeNamespace } from './fixture.ts'

const whoami = ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}']
const never = { env: { KUBEGUARD_PROMPT: 'never' } }

test.each(Object.entries(credentialKinds))('adopt and eject: %s', async (_, make) => {
  const namespace = await makeNamespace()
  const { user, name } = await make(namespace)
  for (const { path } of kubectls) {
    await using home = clusterHome({ namespace, credentials: { dev: user }, kubectl: path })
    const plain = readFileSync(home.kubeconfig)
    const isName = (run: Run): void => expect(good(run).stdout).toBe(name)
    isName(await home.realKubectl(whoami))

    await home.init()
    const adopted = readFileSync(home.kubeconfig, 'utf8')
    for (const [key, secret] of Object.entries(user)) {
      expect(adopted).not.toContain(secret)
      expect(adopted).not.toContain(key)
    }
    for (const locked of [await home.realKubectl(whoami, never), await home.kubectl(whoami)]) {
      expect(locked.code).not.toBe(0)
      expect(locked.stdout).toBe('')
      expect(locked.stderr).toContain('kubeguard unlock')
    }
    await home.unlock('default')
    isName(await home.kubectl(whoami))
    isName(await home.realKubectl(whoami))

    await home.lock()
    const eject = ['eject', '--yes', '--passphrase-fd', '3']
    good(await home.kubeguard(eject, { fd3: passphrase }))
    isName(await home.realKubectl(whoami))
    expect(readFileSync(home.kubeconfig)).toEqual(plain)
  }
})
