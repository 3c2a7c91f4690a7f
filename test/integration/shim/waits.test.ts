import { describe, expect, test } from 'vitest'
import { until } from '../../fixtures/terminal.ts'
import { home, installation, kinds, onRig, run } from './rig.ts'
import type { Ran } from './rig.ts'

/** Shim and plugin, told to wait for a prompt that is open elsewhere. */
describe.each(kinds)('%s, told to wait', (kind) => {
  onRig(kind)

  const kubectl = (env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
    run(installation.tool('kubectl'), ['get', 'pods'], { env: { ...home.env, ...env } })
  const plugin = (): Promise<Ran> =>
    run(installation.tool('kubeguard-credential'), ['--policy', 'prod', '--credential', 'prod.a'], {
      env: home.env,
    })
  const message = 'kubeguard: prod is locked: waiting for the passphrase, asked for on /dev/pts/3'
  const wait = { verdict: 'wait', policy: 'prod' }

  test('it asks again, says what it is told once, and goes on', async () => {
    const program = Buffer.from('/bin/echo')
    const replies = [{ ...wait, message }, wait, wait, { verdict: 'allow', program }]
    home.daemon.replies('gate.check', ...replies)
    expect(await kubectl()).toMatchObject({
      code: 0,
      stdout: Buffer.from('get pods\n'),
      stderr: `${message}\n`,
    })
    const asked = home.daemon.asked('gate.check')
    expect(asked.map(({ waits }) => waits)).toEqual([false, true, true, true])
    expect(asked.every((request) => request.mayWait && !request.asked)).toBe(true)
    expect(home.calls).toEqual([])
  })

  test('it asks for the passphrase itself when the turn comes to it, and does not wait after that', async () => {
    const program = Buffer.from('/bin/echo')
    const challenge = { verdict: 'challenge', policy: 'prod' }
    home.daemon.replies('gate.check', wait, challenge, { verdict: 'allow', program })
    home.onCall('exit 0')
    expect(await kubectl()).toMatchObject({ code: 0 })
    expect(home.calls).toEqual(['unlock --for-command prod'])
    const asked = home.daemon.asked('gate.check')
    expect(asked.map(({ asked: again, waits }) => [again, waits])).toEqual([
      [false, false],
      [false, true],
      [true, false],
    ])
  })

  test('it is refused with the others', async () => {
    const denial = 'kubeguard: prod is locked, and the passphrase was asked for and not given\nrun: it'
    home.daemon.replies('gate.check', wait, { verdict: 'deny', message: denial, exitCode: 77 })
    expect(await kubectl()).toMatchObject({ code: 77, stderr: `${denial}\n` })
    home.daemon.replies('credential.issue', wait, { verdict: 'deny', message: denial, exitCode: 77 })
    expect(await plugin()).toMatchObject({ code: 77, stderr: `${denial.replace('\n', '; ')}\n` })
    expect(home.daemon.asked('credential.issue').map(({ waits }) => waits)).toEqual([false, true])
  })

  test('a daemon that ends meanwhile is not started by each who waits', async () => {
    home.daemon.replies('gate.check', wait)
    const ended = kubectl()
    await until('one that waits', () => home.daemon.requests.length > 1)
    await home.daemon.close()
    const ran = await ended
    expect(ran.code).toBe(75)
    expect(ran.stderr).toMatch(/^kubeguard: [^\n]+\n[^\n]+\n$/)
    expect(home.calls).toEqual([])
  })

  test('KUBEGUARD_PROMPT=never says that it does not wait', async () => {
    home.daemon.replies('gate.check', { verdict: 'deny', message: 'kubeguard: locked', exitCode: 77 })
    await kubectl({ KUBEGUARD_PROMPT: 'never' })
    expect(home.daemon.asked('gate.check')).toMatchObject([{ mayWait: false, mayAsk: false }])
  })
})
