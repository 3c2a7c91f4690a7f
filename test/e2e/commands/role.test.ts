import { expect, test } from 'vitest'
import { guardedHome, reaches } from '../../fixtures/held-home.ts'
import { good, passphrase } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'

const asEdit = ['unlock', 'default', '--role', 'edit', '--passphrase-fd', '3']
const offered = { idle: '10m', more: '    credential: ephemeral\n    ephemeral: { roles: [view, edit] }\n' }

test('roles are those of the policy; rules that want an identity of its own end a session without one, and fail closed', async () => {
  await using home = await guardedHome({ idle: '10m' })
  expect(await home.kubeguard(asEdit, { fd3: passphrase })).toMatchObject({ code: 64 })
  await home.unlock('default')
  good(await home.kubectl(['get', 'pods']))

  writePolicy(home, offered)
  expect(await reaches(home, 'locked')).toMatchObject({
    lockReason: 'policy-changed',
    roles: ['view', 'edit'],
  })
  // The playground makes no such identities: the session opens, and nobody is given what is in the vault.
  const unlocked = good(await home.kubeguard(asEdit, { fd3: passphrase }))
  expect(unlocked.stderr).toMatch(/no session for \S+: https:\S+ refused/)
  const refused = await home.realKubectl(['get', 'pods'])
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toContain('refused')
  const { stdout } = good(await home.kubeguard(['log', '--event', 'unlocked', '--json']))
  expect(stdout.trim().split('\n').at(-1)).toContain('"role":"edit"')
})

test('cluster setup prints what the roles of policies need, and says who is missing', async () => {
  await using home = await guardedHome({ idle: '10m' })
  const setup = ['cluster', 'setup', '--group', 'developers']
  expect((await home.kubeguard(setup)).stderr).toContain('no policy has credential: ephemeral')
  writePolicy(home, offered)
  expect(await home.kubeguard(['cluster', 'setup'])).toMatchObject({ code: 64, stdout: '' })
  // The daemon sees the file a moment after it was written.
  const { stdout } = await until('the new rules', async () => {
    const run = await home.kubeguard(setup)
    return run.code === 0 ? run : undefined
  })
  for (const kind of ['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'ValidatingAdmissionPolicy'])
    expect(stdout).toContain(`kind: ${kind}\n`)
  expect(stdout).toContain('name: developers')
})
