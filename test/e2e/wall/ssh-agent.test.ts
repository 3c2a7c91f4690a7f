import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { TestAgent } from '../../fixtures/ssh-agent.ts'

const wanting = (keys: readonly string[], more = '') => ({
  idle: '10m',
  more: `    unlock: [passphrase, ssh-agent]\n    sshAgent: { keys: ${JSON.stringify(keys)}${more} }\n`,
})

const unlock = (home: TestHome, socket: string | undefined, fd3 = passphrase) =>
  home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], {
    fd3,
    ...(socket !== undefined && { env: { SSH_AUTH_SOCK: socket } }),
  })

test('the passphrase and a signature by a listed key, both or nothing; a hardware key is touched', async () => {
  await using home = makeHome()
  await home.startPlayground()
  using agent = await TestAgent.start(join(home.root, 'ssh'))
  const listed = agent.makeKey('ed25519', 'listed')
  agent.add('ed25519', 'another')
  writePolicy(home, wanting([listed]))
  await home.init()
  const refused = async (socket: string | undefined, why: RegExp): Promise<void> => {
    const run = await unlock(home, socket)
    expect([run.code, run.stdout]).toEqual([77, ''])
    expect(run.stderr).toMatch(why)
    expect((await home.realKubectl(['get', 'pods'])).code).not.toBe(0)
  }
  await refused(undefined, /SSH_AUTH_SOCK names none\n.*ssh-add -L/)
  await refused(join(home.root, 'missing'), /no ssh-agent answers at SSH_AUTH_SOCK/)
  await refused(agent.socket, /holds none of the keys that the policy lists/)
  expect((await unlock(home, agent.socket, 'not this one')).stderr).toContain('wrong passphrase')

  const hardware = agent.add('ed25519-sk')
  writePolicy(home, wanting([listed, hardware]))
  const opened = await unlock(home, agent.socket)
  expect(opened.stderr).toMatch(/touch the security key[\s\S]*default unlocked/)
  expect(opened.code).toBe(0)
  expect((await home.kubectl(['get', 'pods'])).code).toBe(0)
  expect((await home.kubeguard(['policy', 'show'])).stdout).toContain('passphrase, ssh-agent (2 keys)')
})

test('an agent that is forwarded, here by a process that is called as sshd’s, is refused unless allowed', async () => {
  await using home = makeHome()
  await home.startPlayground()
  using agent = await TestAgent.start(join(home.root, 'ssh'))
  const keys = [agent.add('ecdsa')]
  writePolicy(home, wanting(keys))
  await home.init()
  const forwarded = await agent.proxy('sshd-session')
  const run = await unlock(home, forwarded)
  expect(run).toMatchObject({ code: 77, stderr: expect.stringContaining('forwarded from another machine') })
  writePolicy(home, wanting(keys, ', forwarded: allow'))
  expect(await unlock(home, forwarded)).toMatchObject({ code: 0 })
})
