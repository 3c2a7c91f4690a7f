import { expect, test } from 'vitest'
import { unprivilegedAccounts } from '../../fixtures/accounts.ts'
import { makeHome } from '../../fixtures/home.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { kubectl, tool } from '../../fixtures/tools.ts'
import { Ground, shims } from './ground.ts'

const refused =
  /^kubeguard: \S+ belongs to (another user|user \d+, not to you)(\n|; )run it without sudo: a session is one account’s alone\n/

/** Only root may become another account without being asked for a password. */
const isRoot = process.getuid?.() === 0

/** A session is one account's: root's kubectl gets nothing of it, and is told how to go on (docs/security.md). */
test.runIf(isRoot)(
  'sudo kubectl: refused with the cure, through a shim and past it',
  async () => {
    const { own } = unprivilegedAccounts()
    await using home = makeHome(own === undefined ? {} : { account: own })
    writePolicy(home, { idle: '1h', lifetime: '2h' })
    await home.startPlayground()
    await home.init()
    await home.unlock('default')
    const ground = new Ground({
      folder: home.root,
      shims: home.shims,
      env: home.env,
      pod: 'web-0',
      context: 'playground',
    })
    const kept = {
      KUBECONFIG: home.kubeconfig,
      KUBEGUARD_HOME: home.guardHome,
      PATH: ground.env['PATH'] ?? '',
    }
    const words = Object.entries(kept).map(([name, value]) => `${name}=${value}`)
    const sudo = (program: string): Promise<Run> =>
      runProgram(tool('sudo'), ['-n', 'env', ...words, program, 'get', 'pods'], { env: home.env, cwd: '/' })
    for (const side of shims) {
      ground.prepare(side)
      const through = await sudo('kubectl')
      expect(through.stderr).toMatch(refused)
      expect(through).toMatchObject({ code: 78, stdout: '' })
    }
    const past = await sudo(kubectl())
    expect(past.stderr).toMatch(refused)
    expect(past).toMatchObject({ code: 1, stdout: '' })
  },
  60_000,
)
