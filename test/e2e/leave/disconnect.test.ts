import { describe, expect, test } from 'vitest'
import { sessionOf } from '../../fixtures/held-home.ts'
import { passphrase } from '../../fixtures/home.ts'
import { sshInto } from '../../fixtures/ssh.ts'
import { repository } from '../../fixtures/terminal.ts'
import { expectLock, groundForAll, isRoot } from './leaving-home.ts'

describe.runIf(isRoot)('an ssh connection drops', () => {
  const ground = groundForAll({ buses: false, rules: { idle: '20m', more: '    lockOn: [disconnect]\n' } })

  test('what was unlocked at its terminal is locked, and what was unlocked elsewhere is not', async () => {
    const { home } = ground
    const person = await sshInto(ground.home, ground.machine)
    await home.unlock('prod')
    await person.answer(`${repository}/bin/kubeguard unlock default`, /passphrase for default: $/)
    await person.answer(passphrase, /ready> $/)
    expect((await sessionOf(home)).state).toBe('unlocked')
    process.kill(person.terminal.pty.pid, 'SIGKILL')
    await expectLock(ground, 'disconnect')
    expect((await sessionOf(home, 'prod')).state).toBe('unlocked')
  })
})
