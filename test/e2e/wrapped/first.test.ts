import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { useCloudPlugin } from '../../fixtures/cloud-plugin.ts'
import { makeHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'

test('first', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const plugin = useCloudPlugin(home)
  console.log((await home.init()).stdout)
  console.log(readFileSync(home.kubeconfig, 'utf8').slice(-1500))
  plugin.behaves('note run; sleep 1; cat >&2 /dev/null; note "$KUBERNETES_EXEC_INFO $CLOUD_SECRET"')
  console.log(await home.kubectl(['get', 'pods']))
  await home.unlock('--all')
  console.log(await Promise.all([1, 2, 3].map(() => home.kubectl(['get', 'pods']))))
  console.log(plugin.runs())
  console.log((await home.kubeguard(['status'])).stdout)
  console.log((await home.kubeguard(['audit'])).stdout)
  expect(1).toBe(1)
})
