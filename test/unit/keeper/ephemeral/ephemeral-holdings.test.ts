import { expect, test } from 'vitest'
import { EphemeralHoldings } from '../../../../src/keeper/ephemeral/ephemeral-holdings.ts'
import type { VaultItem } from '../../../../src/platform/vault/item.ts'

const item: VaultItem = {
  id: 'prod.anna-12345678',
  policy: 'prod',
  file: '/home/anna/.kube/config',
  user: 'anna',
  contexts: ['prod'],
  token: 'secret',
  cluster: { server: 'https://api.example' },
  original: undefined,
  adoptedAtMs: 0,
  upstreams: [{ slug: 'prod-12345678', server: 'https://api.example' }],
}

test('what was adopted for a gateway opens no session: its clients are sent to one that does not run', async () => {
  const holdings = new EphemeralHoldings(
    { items: [item], item: async () => item },
    { role: 'view', namespaces: [], home: 'home', lifetimeMs: 60_000 },
    { isThere: true, ready: Promise.resolve(), hold: () => undefined },
  )
  const message = 'anna was adopted for a gateway, which serves no session in a cluster'
  const cure = 'run: kubeguard eject --user anna, then: kubeguard adopt'
  expect(await holdings.openAll()).toEqual([{ user: 'anna', file: item.file, message, cure }])
  await expect(holdings.item(item.id)).rejects.toThrow(message)
})
