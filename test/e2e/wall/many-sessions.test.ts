import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isRunning, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { helm } from '../../fixtures/tools.ts'
import { openIdentity } from '../../../src/platform/vault/identity.ts'
import { openDocument } from '../../../src/platform/vault/document.ts'
import { guardedHome, sessionOf } from '../../fixtures/held-home.ts'

const prod = ['--context', 'prod-playground']

/** Which of the two answer: the shim, the real kubectl and helm agree, or this fails. */
async function answering(home: TestHome): Promise<string[]> {
  const answers: string[] = []
  for (const [policy, context] of [
    ['default', []],
    ['prod', prod],
  ] as const) {
    const shim = await home.kubectl([...context, 'get', 'pods'])
    const real = await home.realKubectl([...context, 'get', 'pods'])
    const chart = await home.run(helm(), [
      'list',
      ...(policy === 'prod' ? ['--kube-context', prod[1] as string] : []),
    ])
    const codes = [shim, real, chart].map(({ code }) => code === 0)
    expect(new Set(codes).size, `${policy}: ${shim.stderr}${real.stderr}${chart.stderr}`).toBe(1)
    if (codes[0]) answers.push(policy)
  }
  return answers
}

test('policies are unlocked and locked each for itself, with what streams under each', async () => {
  await using home = await guardedHome({ idle: '10m' })
  expect(await answering(home)).toEqual([])
  await home.unlock('default')
  expect(await answering(home)).toEqual(['default'])
  await home.unlock('prod')
  expect(await answering(home)).toEqual(['default', 'prod'])

  const streams = [[], prod].map((context) =>
    home.start('/usr/bin/env', ['kubectl', ...context, 'exec', 'web-0', '--', 'sleep', '600']),
  ) as [number, number]
  await until('a stream under each', async () => {
    const counts = await Promise.all(
      ['default', 'prod'].map(async (policy) => (await sessionOf(home, policy)).live.length),
    )
    return counts.every((count) => count === 1)
  })
  await home.lock('default')
  expect(await answering(home)).toEqual(['prod'])
  await until('the end of one stream', () => !isRunning(streams[0]))
  expect(isRunning(streams[1])).toBe(true)
  await home.lock('prod')
  expect(await answering(home)).toEqual([])
  await until('the end of the other', () => !isRunning(streams[1]))
  await home.unlock('prod')
  expect(await answering(home)).toEqual(['prod'])
})

test('one passphrase, a key for each policy: the key of one opens nothing of another', async () => {
  await using home = await guardedHome({ idle: '10m' })
  const vault = (policy: string, file: string): string =>
    join(home.guardHome, 'state', 'vaults', policy, file)
  const sealed = (policy: string): Buffer => readFileSync(vault(policy, 'vault.age'))
  const keys = await Promise.all(
    ['default', 'prod'].map((policy) =>
      openIdentity(readFileSync(vault(policy, 'identity.age')), Buffer.from(passphrase), policy),
    ),
  )
  const [first, second] = keys as [(typeof keys)[number], (typeof keys)[number]]
  expect(first.identity).not.toBe(second.identity)
  await home.unlock('--all')
  expect(await openDocument(sealed('default'), first.identity, 'default')).not.toHaveLength(0)
  await expect(openDocument(sealed('prod'), first.identity, 'prod')).rejects.toThrow('damaged')
  await expect(openDocument(sealed('default'), second.identity, 'default')).rejects.toThrow('damaged')
  expect(execFileSync('cat', [vault('prod', 'recipient')], { encoding: 'utf8' }).trim()).toBe(
    second.recipient,
  )
})

test('a limit of one is none of the other’s', async () => {
  await using home = await guardedHome({ idle: '10m' })
  await home.unlock('--all')
  await home.lock('prod')
  await home.unlock('prod', '--for', '3s')
  await until('the end of prod', async () => (await sessionOf(home, 'prod')).state === 'locked')
  expect((await sessionOf(home, 'default')).state).toBe('unlocked')
  expect(await answering(home)).toEqual(['default'])
})
