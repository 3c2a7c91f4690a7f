import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, holdsSecret, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'

/** Runs an attack under rules that list this command, and puts the usual ones back. */
async function withCommand(
  siege: Siege,
  command: string,
  attack: (file: string) => Promise<boolean>,
): Promise<boolean> {
  const { home } = siege
  writePolicy(home, { ...usualRules, more: `${usualRules.more}    onLock: [${JSON.stringify(command)}]\n` })
  try {
    return await attack(join(home.guardHome, 'config', 'config.yaml'))
  } finally {
    writePolicy(home, usualRules)
    await home.lock()
  }
}

/** The command does not end, ignores signals, and calls kubectl in the session that is being locked. */
function heldUp(siege: Siege): Promise<boolean> {
  const { home } = siege
  const command = `trap '' TERM; kubectl get pods >pods 2>&1; touch tried; sleep 600`
  return withCommand(siege, command, async () => {
    await home.unlock('default')
    await home.lock('default')
    const run = await home.realKubectl(['get', 'pods'])
    await until('its try', () => existsSync(join(home.home, 'tried')), { withinMs: 30_000 })
    const said = readFileSync(join(home.home, 'pods'), 'utf8')
    for (const name of ['tried', 'pods']) rmSync(join(home.home, name))
    return gotPods(run) || said.includes('Running')
  })
}

function readEnvironment(siege: Siege): Promise<boolean> {
  const { home } = siege
  const command = 'env >seen; cat /proc/$PPID/environ >>seen; ls -l /proc/self/fd >>seen; touch done'
  return withCommand(siege, command, async () => {
    await home.unlock('default')
    await home.lock('default')
    await until('its end', () => existsSync(join(home.home, 'done')), { withinMs: 30_000 })
    const seen = readFileSync(join(home.home, 'seen'), 'latin1')
    for (const name of ['seen', 'done']) rmSync(join(home.home, name))
    return holdsSecret(siege, seen) || seen.includes('correct horse') || /vault|journal\.db/.test(seen)
  })
}

/** As if another account had put its program into the file. */
function plantedCommand(siege: Siege): Promise<boolean> {
  const { home } = siege
  return withCommand(siege, 'touch planted', async (file) => {
    chmodSync(file, 0o666)
    await home.kubeguard(['status'])
    await home.unlock('default')
    await home.lock('default')
    await home.kubeguard(['daemon', 'restart'])
    await home.unlock('default')
    await home.lock('default')
    chmodSync(file, 0o600)
    return existsSync(join(home.home, 'planted'))
  })
}

export const onLockCases: readonly BypassCase[] = [
  {
    name: 'an `onLock` command that never ends, and uses kubectl, to hold up the lock',
    whileUnlocked: 'own',
    attempt: heldUp,
  },
  {
    name: 'secrets in the environment and the descriptors of an `onLock` command',
    whileUnlocked: 'own',
    attempt: readEnvironment,
  },
  {
    name: 'an `onLock` command in a policy file that others can write',
    whileUnlocked: 'own',
    attempt: plantedCommand,
  },
]
