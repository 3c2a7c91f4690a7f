import { chmodSync, chownSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { crash, gotPods, startAgain, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'

const textOf = ({ home }: Siege): string => readFileSync(home.kubeconfig, 'utf8')
const holdsPlainText = (siege: Siege): boolean =>
  siege.secrets.some((secret) => textOf(siege).includes(secret))

/** Runs an attack on a session that was unlocked under `materialize: true`, and puts the usual rules back. */
async function withMaterialised(siege: Siege, attack: () => Promise<boolean>): Promise<boolean> {
  const { home } = siege
  writePolicy(home, { ...usualRules, more: `${usualRules.more}    materialize: true\n` })
  try {
    await home.unlock('default')
    if (!holdsPlainText(siege)) throw new Error('nothing was materialised')
    return await attack()
  } finally {
    writePolicy(home, usualRules)
    await home.lock()
  }
}

/** What a client without plugins gets from the file: the real kubectl, in a place where ours can't be run. */
async function getsIn(siege: Siege): Promise<boolean> {
  const { home, own } = siege
  const copy = join(home.home, 'without-plugin')
  writeFileSync(copy, textOf(siege).replaceAll(/command: \S+kubeguard-credential/g, 'command: /bin/false'))
  chownSync(copy, own.uid, own.gid)
  try {
    return gotPods(await home.realKubectl(['--kubeconfig', copy, 'get', 'pods']))
  } finally {
    rmSync(copy)
  }
}

async function usedAfterLock(siege: Siege): Promise<boolean> {
  return withMaterialised(siege, async () => {
    if (!(await getsIn(siege))) throw new Error('it does not work while unlocked')
    await siege.home.lock('default')
    return getsIn(siege)
  })
}

const isSwept = (siege: Siege): Promise<unknown> =>
  until('a clean kubeconfig', () => !holdsPlainText(siege), { withinMs: 30_000 }).catch(() => false)

async function daemonKilled(siege: Siege): Promise<boolean> {
  return withMaterialised(siege, async () => {
    await crash(siege, 'daemon')
    await isSwept(siege)
    return holdsPlainText(siege) || getsIn(siege)
  })
}

async function bothKilled(siege: Siege): Promise<boolean> {
  return withMaterialised(siege, async () => {
    await crash(siege, 'daemon', 'keeper')
    await startAgain(siege)
    await isSwept(siege)
    return holdsPlainText(siege) || getsIn(siege)
  })
}

/** What a lock took out is written back by a program that had kept the whole file. */
async function writtenBack(siege: Siege): Promise<boolean> {
  const { home } = siege
  const kept = join(home.home, 'kept')
  return withMaterialised(siege, async () => {
    copyFileSync(home.kubeconfig, kept)
    chmodSync(kept, 0o644)
    await home.lock('default')
    await home.run('/bin/sh', ['-c', `cat ${kept} >${home.kubeconfig}`])
    rmSync(kept)
    await isSwept(siege)
    return holdsPlainText(siege) || getsIn(siege)
  })
}

/** The traces hold names and digests; the key to nothing. */
async function readTraces(siege: Siege): Promise<boolean> {
  const { home } = siege
  return withMaterialised(siege, async () => {
    const folder = join(home.guardHome, 'state', 'traces')
    const { stdout } = await home.run('/bin/sh', ['-c', `cat ${folder}/*`])
    if (stdout === '') throw new Error('there is no trace')
    return siege.secrets.some((secret) => stdout.includes(secret))
  })
}

export const materialiseCases: readonly BypassCase[] = [
  {
    name: 'a token that `materialize` put into the kubeconfig, after the lock',
    whileUnlocked: 'own',
    attempt: usedAfterLock,
  },
  {
    name: 'such a token, the daemon killed, no other program started',
    whileUnlocked: 'own',
    attempt: daemonKilled,
  },
  {
    name: 'such a token, daemon and keeper killed at once, after the next start',
    whileUnlocked: 'own',
    attempt: bothKilled,
  },
  {
    name: 'such a token, the whole file written back after the lock by a program that had kept it',
    whileUnlocked: 'own',
    attempt: writtenBack,
  },
  {
    name: 'such a token looked for in what is noted of it',
    whileUnlocked: 'own',
    attempt: readTraces,
  },
]
