import { join } from 'node:path'
import { passphrase } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { TestAgent } from '../../fixtures/ssh-agent.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, laySiege, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'

/** A siege whose policies want a signature by the one key that its agent holds. */
async function withAgent(attempt: (siege: Siege, agent: TestAgent) => Promise<boolean>): Promise<boolean> {
  const siege = await laySiege()
  try {
    using agent = await TestAgent.start(join(siege.home.root, 'ssh'), siege.own)
    const keys = JSON.stringify([agent.add('ed25519')])
    const more = `${usualRules.more}    unlock: [passphrase, ssh-agent]\n    sshAgent: { keys: ${keys} }\n`
    writePolicy(siege.home, { ...usualRules, more })
    return await attempt(siege, agent)
  } finally {
    await siege.lift()
  }
}

const unlock = ({ home }: Siege, socket: string) =>
  home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], {
    fd3: passphrase,
    env: { SSH_AUTH_SOCK: socket },
  })

const isIn = async (siege: Siege, code: number): Promise<boolean> =>
  code === 0 || gotPods(await siege.home.realKubectl(['get', 'pods']))

export const sshAgentCases: readonly BypassCase[] = [
  {
    name: 'the passphrase alone, where a signature by an ssh-agent is wanted too',
    whileUnlocked: 'own',
    attempt: () =>
      withAgent(async (siege, agent) => {
        const { code } = await unlock(siege, '/nowhere')
        const open = await isIn(siege, code)
        if ((await unlock(siege, agent.socket)).code !== 0) throw new Error('nor with the agent')
        return open
      }),
  },
  {
    name: 'a signature from an earlier unlock, given again by an agent that lies',
    whileUnlocked: 'own',
    attempt: () =>
      withAgent(async (siege, agent) => {
        const lying = await agent.proxy('ssh-agent-too', 'replay')
        const first = await unlock(siege, lying)
        if (first.code !== 0) throw new Error(`nothing to be given again: ${first.stderr}`)
        await siege.home.lock()
        return isIn(siege, (await unlock(siege, lying)).code)
      }),
  },
  {
    name: 'an ssh-agent that sshd forwards from another machine',
    whileUnlocked: 'own',
    attempt: () =>
      withAgent(async (siege, agent) => isIn(siege, (await unlock(siege, await agent.proxy('sshd'))).code)),
  },
]
