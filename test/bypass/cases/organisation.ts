import { readFileSync } from 'node:fs'
import { Machine } from '../../fixtures/machine.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, laySiege } from '../siege.ts'
import type { Siege } from '../siege.ts'

const strict = `apiVersion: kubeguard.dev/v1
policies:
  - name: all
    contexts: ["*"]
    idle: 4s
    lifetime: 4s
    materialize: false
`
const looser = strict.replaceAll('4s', '20h').replace('false', 'true')

/** A siege under the organisation's rules, by an account that may do anything to its own files. */
async function under(attack: (siege: Siege, machine: Machine) => Promise<boolean>): Promise<boolean> {
  const siege = await laySiege({ idle: '20m' }, (own) => Machine.start(own))
  try {
    const machine = siege.home.machine as Machine
    await machine.organisation(strict)
    return await attack(siege, machine)
  } finally {
    await siege.lift()
  }
}

/** Unlocked, served, and a limit of seconds later: does it serve still, or does a secret lie about? */
async function outlivesLimit(siege: Siege): Promise<boolean> {
  const { home, secrets } = siege
  await home.unlock('default')
  const text = readFileSync(home.kubeconfig, 'utf8')
  const deadline = performance.now() + 12_000
  await until('the limit of seconds', () => performance.now() > deadline)
  const runs = [await home.realKubectl(['get', 'pods']), await home.kubectl(['get', 'pods'])]
  return runs.some(gotPods) || secrets.some((secret) => text.includes(secret))
}

/** All that a user's own file can say. */
function ownFileLoosened(siege: Siege): Promise<boolean> {
  writePolicy(siege.home, { idle: '23h', lifetime: '7d', more: '    materialize: true\n    lockOn: []\n' })
  return outlivesLimit(siege)
}

/** Policies of the same name, and a glob for the very context. */
async function ownPolicyBefore(siege: Siege): Promise<boolean> {
  const file = `${siege.home.guardHome}/config/config.yaml`
  const text = `apiVersion: kubeguard.dev/v1\npolicies:\n  - {name: all, contexts: [playground], idle: 23h, lifetime: 7d}\n  - {name: default, contexts: ["*"], idle: 23h, lifetime: 7d}\n`
  await siege.home.run('/bin/sh', ['-c', `cat >${file}`], { input: text })
  return outlivesLimit(siege)
}

async function fileNotRoots(siege: Siege, machine: Machine): Promise<boolean> {
  await machine.organisation(looser, '644', String(siege.own.uid))
  const { home } = siege
  const shown = await home.kubeguard(['policy', 'show', '--json'])
  const { policies } = JSON.parse(shown.stdout) as { policies: { idleMs: number; materialize: boolean }[] }
  return policies.some(({ idleMs, materialize }) => idleMs > 300_000 || materialize)
}

/** The account owns the folder, so that it can take root's file away. */
async function takenAway(siege: Siege, machine: Machine): Promise<boolean> {
  await machine.run('root', 'chown', String(siege.own.uid), '/etc/kubeguard')
  const removed = await siege.home.run('rm', ['-f', '/etc/kubeguard/config.yaml'])
  if (removed.code !== 0) throw new Error(`it could not be taken away: ${removed.stderr}`)
  const { policies } = JSON.parse((await siege.home.kubeguard(['policy', 'show', '--json'])).stdout) as {
    policies: { idleMs: number }[]
  }
  return policies.some(({ idleMs }) => idleMs > 300_000)
}

export const organisationCases: readonly BypassCase[] = [
  {
    name: 'the organisation’s limits, and `materialize: false`, loosened in the user’s own file',
    whileUnlocked: 'own',
    attempt: () => under(ownFileLoosened),
  },
  {
    name: 'the same by policies of the organisation’s names, and a glob for the very context',
    whileUnlocked: 'own',
    attempt: () => under(ownPolicyBefore),
  },
  {
    name: 'an organisation’s file that belongs to the account, and is looser',
    whileUnlocked: 'own',
    attempt: () => under(fileNotRoots),
  },
  {
    name: 'the organisation’s file taken away, where its folder belongs to the account',
    whileUnlocked: 'own',
    attempt: () => under(takenAway),
  },
]
