import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writePolicy } from '../../fixtures/policy.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import { filesWith } from '../../e2e/commands/secrets.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, laySiege, speak, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'

const passphrase = 'correct horse battery staple'

/** After five wrong ones the delay is longer than a restart takes on any machine. */
async function guessFive(siege: Siege): Promise<{ tried: number; said: string }> {
  let tried = 0
  let said = ''
  const guess = async (): Promise<boolean> => {
    const { stdout } = await speak(siege, 'guess-passphrase', 'default', '1000')
    said += stdout
    tried += Number(/tried (\d+)/.exec(stdout)?.[1] ?? Number.NaN)
    if (!Number.isInteger(tried)) throw new Error(stdout)
    return tried >= 5
  }
  await until('five that were tried', guess, { withinMs: 60_000 })
  return { tried, said }
}

export const unlockCases: readonly BypassCase[] = [
  {
    name: 'an unlock begun before the lock and proven after it',
    whileUnlocked: 'own',
    attempt: async (siege) => {
      const launcher = join(repository, 'bin', 'kubeguard')
      const free = await speak(siege, 'late-unlock', 'default', '/bin/true')
      if (!free.stdout.includes('GOT')) throw new Error(`no lock, and yet refused: ${free.stdout}`)
      await siege.home.lock()
      const late = await speak(siege, 'late-unlock', 'default', launcher, 'lock')
      if (!late.stdout.includes('begun')) throw new Error(late.stdout)
      return late.stdout.includes('GOT') || gotPods(await siege.home.realKubectl(['get', 'pods']))
    },
  },
  {
    name: 'a thousand wrong passphrases, and the right one within the delay',
    whileUnlocked: 'own',
    attempt: async () => {
      const siege = await laySiege()
      try {
        const { tried, said } = await guessFive(siege)
        const right = await siege.home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], {
          fd3: passphrase,
        })
        await siege.home.kubeguard(['daemon', 'restart'])
        const again = await siege.home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], {
          fd3: passphrase,
        })
        return said.includes('GOT') || tried > 12 || right.code === 0 || again.code === 0
      } finally {
        await siege.lift()
      }
    },
  },
  {
    name: 'a vault reset without its passphrase, to open it or to be rid of the delay',
    whileUnlocked: 'own',
    attempt: async () => {
      const siege = await laySiege()
      try {
        const { home } = siege
        await guessFive(siege)
        const line = `${join(repository, 'bin', 'kubeguard')} reset prod`
        const reset = await home.run('/usr/bin/script', ['-qec', line, '/dev/null'], { input: 'prod\n' })
        if (existsSync(join(home.guardHome, 'state', 'vaults', 'prod'))) throw new Error(reset.stdout)
        const right = await home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], { fd3: passphrase })
        const prod = await home.realKubectl(['get', 'pods', '--context', 'prod-playground'])
        const found = filesWith(home.root, siege.secrets)
        return right.code === 0 || gotPods(prod) || found.length > 0
      } finally {
        await siege.lift()
      }
    },
  },
  {
    name: 'a vault whose key file was moved away, opened without a passphrase',
    whileUnlocked: 'own',
    attempt: async ({ home }) => {
      const key = join(home.guardHome, 'state', 'vaults', 'default', 'identity.age')
      await home.run('/bin/mv', [key, `${key}.away`])
      try {
        const opened = await home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], { fd3: '\n' })
        return opened.code === 0
      } finally {
        await home.run('/bin/mv', [`${key}.away`, key])
        await home.unlock('default')
      }
    },
  },
  {
    name: 'a limit loosened in the policy file while unlocked',
    whileUnlocked: 'own',
    attempt: async (siege) => {
      await siege.home.unlock('default')
      writePolicy(siege.home, { ...usualRules, idle: '20m' })
      const idleOf = async (): Promise<number> => {
        const { stdout } = await siege.home.kubeguard(['status', '--json'])
        const { sessions } = JSON.parse(stdout) as { sessions: { policy: string; idleMs: number }[] }
        return sessions.find(({ policy }) => policy === 'default')?.idleMs ?? 0
      }
      const loosened = await idleOf()
      writePolicy(siege.home, usualRules)
      return loosened !== 600_000
    },
  },
]
