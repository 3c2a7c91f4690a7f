import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { VaultItem } from '../../../../src/platform/vault/item.ts'

/** Cheap on purpose: 4 MiB, some milliseconds. What is written for users is calibrated. */
export const cheapLogN = 12

/** A folder for vaults that goes with the test. */
export function makeVaultsDir(): string {
  const home = mkdtempSync(join(tmpdir(), 'kg-vault-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  return join(home, 'vaults')
}

export function makeItem(changes: Partial<VaultItem> = {}): VaultItem {
  return {
    id: 'prod.alice-0011aabb',
    policy: 'prod',
    file: '/home/alice/.kube/config',
    user: 'alice',
    contexts: ['prod-eu'],
    token: 'token-of-alice',
    original: { token: 'spelled here' },
    adoptedAtMs: 1_700_000_000_000,
    ...changes,
  }
}
