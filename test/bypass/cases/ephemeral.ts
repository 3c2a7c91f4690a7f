import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { readFileSync, writeFileSync } from 'node:fs'
import { isRunning, passphrase } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { crash, holdsSecret, pidsOf, startAgain } from '../siege.ts'
import type { Siege } from '../siege.ts'

/** Loaded with the first attack: there is a cluster then. */
const ground = () => import('../../cluster/siege-sessions.ts')

/** Ends with the token dead on its own, in ten minutes, it would not have held. */
const endsWithinMs = 30_000

/** Unlocks, and takes a copy of what a client gets. */
async function withCopy(siege: Siege): Promise<string> {
  const { copiedToken, works } = await ground()
  await siege.home.unlock('default')
  const token = await copiedToken(siege)
  if (!(await works(token))) throw new Error('the copy does not work while unlocked')
  return token
}

async function stillWorks(token: string): Promise<boolean> {
  const { works } = await ground()
  const refused = until('its end', async () => !(await works(token)), { withinMs: endsWithinMs })
  return refused.then(
    () => false,
    () => true,
  )
}

async function copied(siege: Siege): Promise<boolean> {
  const token = await withCopy(siege)
  await siege.home.lock()
  return stillWorks(token)
}

async function revokerKilled(siege: Siege): Promise<boolean> {
  const token = await withCopy(siege)
  const [first] = pidsOf(siege, 'revoker')
  if (first === undefined) throw new Error('there is no revoker')
  await crash(siege, 'revoker')
  await siege.home.lock()
  return stillWorks(token)
}

async function daemonKilled(siege: Siege): Promise<boolean> {
  const token = await withCopy(siege)
  await crash(siege, 'daemon')
  const works = await stillWorks(token)
  await startAgain(siege)
  return works
}

/** With the revoker, too, nobody is left who could end it; the next unlock does. */
async function allKilled(siege: Siege): Promise<boolean> {
  const token = await withCopy(siege)
  const pids = (['revoker', 'keeper', 'daemon'] as const).flatMap((kind) => pidsOf(siege, kind))
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await until('their end', () => pids.every((pid) => !isRunning(pid)))
  await startAgain(siege)
  await siege.home.unlock('default')
  return stillWorks(token)
}

/** The role would let it: `admin` may bind roles and make tokens. */
async function widened(siege: Siege): Promise<boolean> {
  const { widenings } = await ground()
  const token = await withCopy(siege)
  const gained = await widenings(token)
  if (gained.length > 0) console.log(`bypass: ${gained.join(', ')}`)
  return gained.length > 0
}

/** What opens sessions goes to no client, open or not. */
async function vaultsOwn(siege: Siege): Promise<boolean> {
  const { copiedDocument } = await ground()
  await siege.home.unlock('default')
  const document = await copiedDocument(siege)
  if (!document.includes('"token"')) throw new Error('nothing was given at all')
  return holdsSecret(siege, document) || document.includes('clientKeyData":"')
}

/** The kubeconfig leads to the attacker: clients follow, what opens sessions does not. */
async function ledElsewhere(siege: Siege): Promise<boolean> {
  const { home, server } = siege
  let came = 0
  const trap = createServer((socket) => {
    came += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
  const text = readFileSync(home.kubeconfig, 'utf8')
  const there = `https://127.0.0.1:${(trap.address() as AddressInfo).port}`
  try {
    writeFileSync(home.kubeconfig, text.replaceAll(server, there))
    const unlocked = await home.unlock('default')
    if (!unlocked.stderr.includes('with the role')) throw new Error(`no session: ${unlocked.stderr}`)
    return came > 0
  } finally {
    writeFileSync(home.kubeconfig, text)
    trap.close()
  }
}

/** A label is easily made, and with it somebody else's role would be taken for a leftover. */
async function madeUpLabel(siege: Siege): Promise<boolean> {
  const { forgeLeftovers } = await ground()
  await siege.home.unlock('default')
  const forged = await forgeLeftovers()
  await siege.home.lock()
  await siege.home.unlock('default')
  return forged.isGone()
}

async function notOffered({ home }: Siege): Promise<boolean> {
  await home.lock()
  const args = ['unlock', 'default', '--role', 'cluster-admin', '--passphrase-fd', '3']
  const asked = await home.kubeguard(args, { fd3: passphrase })
  return asked.code === 0 || !asked.stderr.includes('does not offer')
}

export const ephemeralCases: readonly BypassCase[] = [
  {
    name: 'a session’s token, copied, and used from elsewhere after the lock',
    whileUnlocked: 'own',
    attempt: copied,
  },
  {
    name: 'the same, with the revoker killed before the lock',
    whileUnlocked: 'own',
    attempt: revokerKilled,
  },
  {
    name: 'the same, with the daemon killed in place of a lock',
    whileUnlocked: 'own',
    attempt: daemonKilled,
  },
  {
    name: 'the same, with daemon, keeper and revoker killed at once, after the next unlock',
    whileUnlocked: 'own',
    attempt: allKilled,
  },
  {
    name: 'a session’s token, used to give itself rights or tokens that outlast it',
    whileUnlocked: 'own',
    attempt: widened,
  },
  {
    name: 'what opens a session, looked for in what clients get',
    whileUnlocked: 'own',
    attempt: vaultsOwn,
  },
  {
    name: 'a kubeconfig that leads to the attacker, to be shown what opens a session',
    whileUnlocked: 'own',
    attempt: ledElsewhere,
  },
  {
    name: 'the label of a leftover on somebody else’s objects, to have them collected',
    whileUnlocked: 'own',
    attempt: madeUpLabel,
  },
  { name: 'a role that the policy does not offer', whileUnlocked: 'own', attempt: notOffered },
]
