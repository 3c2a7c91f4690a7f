import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { kubeguard, sessionOf } from '../commands/status.ts'
import { filesWith, secretsOf } from '../commands/secrets.ts'

test('a kubeconfig that is gone: eject and uninstall put its credentials into a new file', async () => {
  await using home = makeHome()
  await home.startPlayground()
  const original = readFileSync(home.kubeconfig, 'utf8')
  const secrets = secretsOf(home.kubeconfig)
  await home.init()
  rmSync(home.kubeconfig)
  const run = (...args: string[]) =>
    home.kubeguard([...args, '--yes', '--passphrase-fd', '3'], { fd3: passphrase })

  const taken = join(home.home, 'taken.yaml')
  writeFileSync(taken, 'mine')
  expect(await run('eject', '--to', taken)).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/taken.yaml is there already/),
  })
  expect(readFileSync(taken, 'utf8')).toBe('mine')
  expect((await sessionOf(home, 'default')).credentials).toBe(1)

  // One user, by name: the rest stays sealed.
  const first = join(home.home, 'first.yaml')
  const ejected = good(await run('eject', '--user', 'playground', '--to', 'first.yaml'))
  expect(ejected.stderr).toMatch(/playground is back in .*first\.yaml/)
  expect(statSync(first).mode & 0o777).toBe(0o600)
  expect((await sessionOf(home, 'default')).credentials).toBe(0)
  expect((await sessionOf(home, 'prod')).credentials).toBe(1)
  // Real kubectl understands it: with the clusters of a file without users, it is the kubeconfig again.
  const clusters = join(home.home, 'clusters.yaml')
  writeFileSync(clusters, original.replace(/^users:[\s\S]*?(?=^\w)/m, 'users: []\n'), { mode: 0o600 })
  const both = { KUBECONFIG: `${first}:${clusters}` }
  expect(await home.realKubectl(['get', 'pods', '--context', 'playground'], { env: both })).toMatchObject({
    code: 0,
  })

  expect(await run('uninstall')).toMatchObject({ code: 78 })
  expect(existsSync(join(home.guardHome, 'state', 'vaults', 'prod'))).toBe(true)
  const second = join(home.home, 'second.yaml')
  const { stderr, stdout } = good(await run('uninstall', '--to', second))
  expect(stderr).toMatch(/prod-playground is back in .*second\.yaml/)
  // The proof says that the file itself is not as it was.
  expect(stdout).toMatch(/\.kube\/config: is not there any more/)
  const rescued = filesWith(home.root, secrets).toSorted()
  expect(rescued).toEqual([first, second])
  for (const folder of ['config', 'state', 'run', 'data'])
    expect(existsSync(join(home.guardHome, folder))).toBe(false)
})

test('reset: says what is lost, wants the name typed, removes the vault alone; then all can begin anew', async () => {
  await using home = makeHome()
  await home.startPlayground()
  const original = readFileSync(home.kubeconfig, 'utf8')
  await home.init()
  await home.unlock('default')
  const wrong = await home.kubeguard(['unlock', 'prod', '--passphrase-fd', '3'], {
    fd3: 'who knows what it was',
  })
  expect(wrong.code).toBe(77)
  expect(await home.kubeguard(['reset', 'default'])).toMatchObject({ code: 64, stdout: '' })
  expect(await home.kubeguard(['reset', 'nobody'])).toMatchObject({ code: 64 })

  using person = await personIn(home)
  const asked = await person.answer(
    `${kubeguard} reset default; echo "code"=$?`,
    /type the policy’s name \(default\)/,
  )
  expect(asked).toMatch(/lost for good, and must be fetched anew/)
  expect(asked).toMatch(/playground in .*\.kube\/config: a token, for playground/)
  expect(await person.answer('defautl', /code=\d/)).toContain('code=1')
  expect((await sessionOf(home, 'default')).credentials).toBe(1)

  await person.answer(`${kubeguard} reset default; echo "code"=$?`, /type the policy’s name \(default\)/)
  const done = await person.answer('default', /code=\d/)
  expect(done).toContain('code=0')
  expect(done).toMatch(/set-credentials 'playground' --token/)
  expect(await sessionOf(home, 'default')).toMatchObject({ state: 'locked', hasVault: false, credentials: 0 })
  expect(await sessionOf(home, 'prod')).toMatchObject({ hasVault: true, credentials: 1 })
  expect((await sessionOf(home, 'prod')).failedUnlocks).toBeGreaterThan(0)
  expect(await home.realKubectl(['get', 'pods'])).not.toMatchObject({ code: 0 })
  expect(good(await home.kubeguard(['log', '--json'])).stdout).toContain('vault-reset')

  // Fetched anew, and sealed again.
  const token = /token: (\S+)/.exec(original)?.[1] ?? ''
  await home.init()
  good(await home.realKubectl(['config', 'set-credentials', 'playground', `--token=${token}`]))
  good(await home.kubeguard(['adopt', '--yes']))
  expect(filesWith(home.root, [token])).toEqual([])
  await home.unlock('default')
  expect(good(await home.kubectl(['get', 'pods'])).stdout).toContain('Running')
})
