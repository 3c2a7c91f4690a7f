import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { kubeguard } from './status.ts'
import { filesWith, secretsOf } from './secrets.ts'

const hookMark = /^# kubeguard:/gm

test('--yes sets all up, leaves no secret behind, and may be run twice', async () => {
  await using home = makeHome()
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  expect(filesWith(home.root, secrets)).toEqual([home.kubeconfig])
  const profile = join(home.home, '.bashrc')
  writeFileSync(profile, 'alias ll="ls -l"')
  const init = () =>
    home.kubeguard(['init', '--yes', '--passphrase-fd', '3'], {
      fd3: passphrase,
      env: { SHELL: '/bin/bash' },
    })

  const first = good(await init())
  expect(first.stdout).toBe('')
  expect(first.stderr).toMatch(/prod: locks after 5m idle, after 4h in any case: prod-playground/)
  expect(filesWith(home.root, [...secrets, passphrase])).toEqual([])
  const adopted = readFileSync(home.kubeconfig)
  const policy = readFileSync(join(home.guardHome, 'config', 'config.yaml'))

  expect(good(await init()).stderr).toMatch(/no secrets left to adopt/)
  expect(readFileSync(home.kubeconfig)).toEqual(adopted)
  expect(readFileSync(join(home.guardHome, 'config', 'config.yaml'))).toEqual(policy)
  const lines = readFileSync(profile, 'utf8')
  expect(lines).toMatch(/^alias ll="ls -l"\n# kubeguard:.*\nsource '.*kubeguard\.bash'\n$/)
  expect(lines.match(hookMark)).toHaveLength(1)

  const rules = JSON.parse(good(await home.kubeguard(['policy', 'show', '--json'])).stdout) as {
    policies: { name: string; idleMs: number; lifetimeMs: number }[]
  }
  expect(rules.policies).toMatchObject([
    { name: 'prod', contexts: ['prod-playground'], idleMs: 300_000, lifetimeMs: 4 * 3_600_000 },
    { name: 'default', contexts: ['*'], idleMs: 14 * 60_000, lifetimeMs: 12 * 3_600_000 },
  ])
  await home.unlock('--all')
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0, stderr: '' })
  expect(await home.kubectl(['get', 'pods', '--context', 'prod-playground'])).toMatchObject({ code: 0 })
})

test('an adoption that ends midway leaves a plugin for what was adopted', async () => {
  await using home = makeHome()
  await home.startPlayground()
  writePolicy(home, { idle: '10m' })
  const broken = join(home.home, 'broken')
  mkdirSync(broken)
  const env = { KUBECONFIG: `${home.kubeconfig}:${broken}` }
  const init = await home.kubeguard(['init', '--yes', '--passphrase-fd', '3'], { fd3: passphrase, env })
  expect(init.code).toBe(78)
  expect(existsSync(join(home.guardHome, 'data', 'bin', 'kubeguard-credential'))).toBe(true)
})

test('asks on a terminal: a weak passphrase and a mistyped one are asked again, a no is kept', async () => {
  await using home = makeHome()
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  const profile = join(home.home, '.bashrc')
  using person = await personIn(home, { SHELL: '/bin/bash' })
  await person.answer(`${kubeguard} init; echo "code"=$?`, /write these rules to [\s\S]*\?/)
  expect(person.output).toMatch(/prod: locks after 5m idle.*prod-playground/)
  await person.answer('', /new passphrase, for all vaults: $/)
  await person.answer('short', /at least 10 characters[\s\S]*new passphrase, for all vaults: $/)
  await person.answer('abcdefghijkl', /mere sequence[\s\S]*new passphrase, for all vaults: $/)
  await person.answer(passphrase, /the same again: $/)
  await person.answer('correct horse battery stable', /not the same[\s\S]*new passphrase, for all vaults: $/)
  await person.answer(passphrase, /the same again: $/)
  await person.answer(passphrase, /move the secrets of 2 users into vaults\?/)
  await person.answer('', /put a kubectl that asks before it runs into [\s\S]*\?/)
  await person.answer('', /have these ask before they run, too: helm\?/)
  await person.answer('', /\+source '[\s\S]*put the shims first on PATH, by a line in [\s\S]*bashrc\?/)
  await person.answer('n', /put the shims first on PATH, by a line in [\s\S]*profile\?/)
  const from = person.output.length
  person.type('n')
  expect(await person.showsAfter(from, /code=\d/)).toContain('code=0')
  for (const secret of [...secrets, passphrase, 'abcdefghijkl', 'stable'])
    expect(person.output).not.toContain(secret)
  expect(filesWith(home.root, [...secrets, passphrase])).toEqual([])
  expect(() => readFileSync(profile)).toThrow(/ENOENT/)

  await person.answer(`${kubeguard} init; echo "code"=$?`, /put the shims first on PATH[\s\S]*\?/)
  await person.answer('y', /put the shims first on PATH, by a line in [\s\S]*profile\?/)
  await person.answer('y', /bash: a new one finds the shim first[\s\S]*tried: kubectl version[\s\S]*code=0/)
  expect(readFileSync(profile, 'utf8').match(hookMark)).toHaveLength(1)
  expect((await person.enterAndUnlock('kubectl get pods')).shown).toContain('Running')
})

test('refuses a weak passphrase, another passphrase than that of the vaults, and to guess answers', async () => {
  await using home = makeHome()
  await home.startPlayground()
  const before = readFileSync(home.kubeconfig)
  const init = (fd3: string, ...flags: string[]) =>
    home.kubeguard(['init', ...flags, '--passphrase-fd', '3'], { fd3 })
  const weak = await init('aaaaaaaaaaaaaa', '--yes')
  expect(weak).toMatchObject({ code: 64, stdout: '' })
  expect(weak.stderr).toMatch(
    /kubeguard: this passphrase repeats too few characters\nchoose another one.*\n$/,
  )
  const common = await init('Password123!', '--yes')
  expect(common).toMatchObject({ code: 64, stdout: '' })
  expect(common.stderr).toMatch(
    /kubeguard: this passphrase is easy to guess: close to a password that many people use\nchoose another one.*\n$/,
  )
  const nobody = await home.kubeguard(['init', '--passphrase-fd', '3'], { fd3: passphrase })
  expect(nobody.code).not.toBe(0)
  expect(readFileSync(home.kubeconfig)).toEqual(before)
  const without = await home.kubeguard(['init', '--yes'])
  expect(without).toMatchObject({ code: 77 })
  expect(without.stderr).toMatch(/^kubeguard: .*\n.+\n$/)
  expect(readFileSync(home.kubeconfig)).toEqual(before)

  await home.init()
  // A policy that appears later gets its vault at the next run, with the same passphrase alone.
  const config = join(home.guardHome, 'config', 'config.yaml')
  writeFileSync(config, readFileSync(config, 'utf8').replace('name: prod', 'name: live'))
  const other = await init('some other words entirely', '--yes')
  expect(other).toMatchObject({ code: 77 })
  expect(other.stderr).toMatch(/passphrase/)
  good(await init(passphrase, '--yes'))
  await home.unlock('live')
})
