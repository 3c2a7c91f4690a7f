import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isRunning, makeHome } from '../../fixtures/home.ts'
import { helm } from '../../fixtures/tools.ts'
import { until } from '../../fixtures/terminal.ts'
import { writePolicy } from '../../fixtures/policy.ts'

const secretLines = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:token|client-key-data):\s*(\S+)/g)].map(
    (match) => match[1] as string,
  )

test('adopt, work, go idle, be locked out of everything, unlock', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '4s' })
  await home.startPlayground()
  const secrets = secretLines(home.kubeconfig)
  expect(secrets.length).toBeGreaterThan(1)
  await home.init()
  const adopted = readFileSync(home.kubeconfig, 'utf8')
  for (const secret of secrets) expect(adopted).not.toContain(secret)

  expect((await home.realKubectl(['get', 'pods'])).code).not.toBe(0)
  await home.unlock('default')
  const works = await home.kubectl(['get', 'pods'])
  expect(works).toMatchObject({ code: 0, stderr: '' })
  expect(works.stdout).toContain('Running')
  expect((await home.realKubectl(['get', 'pods'])).code).toBe(0)
  expect((await home.run(helm(), ['list'])).code).toBe(0)

  const exec = home.start('/usr/bin/env', ['kubectl', 'exec', 'web-0', '--', 'sleep', '600'])
  const forward = home.start('/usr/bin/env', ['kubectl', 'port-forward', 'pod/web-0', ':8080'])
  await until('both streams in status', async () => {
    const status = JSON.parse((await home.kubeguard(['status', '--json'])).stdout) as {
      sessions: { live: unknown[] }[]
    }
    return status.sessions.flatMap((session) => session.live).length >= 2
  })
  await until('the idle lock to end both', () => !isRunning(exec) && !isRunning(forward), {
    withinMs: 20_000,
  })

  expect((await home.kubeguard(['status'])).code).toBe(77)
  const refused = await home.kubectl(['get', 'pods'])
  expect(refused.code).toBe(77)
  expect(refused.stderr).toMatch(
    /^kubeguard: default is locked since \d\d:\d\d \(idle too long\)\nrun: kubeguard unlock default\n$/,
  )
  const byPath = await home.realKubectl(['get', 'pods'])
  expect(byPath.code).not.toBe(0)
  expect(byPath.stderr).toContain('kubeguard: default is locked')
  expect((await home.run(helm(), ['list'])).code).not.toBe(0)
  const raw = await home.realKubectl(['config', 'view', '--raw'])
  for (const secret of secrets) expect(raw.stdout).not.toContain(secret)

  await home.unlock('default')
  expect((await home.kubectl(['get', 'pods'])).code).toBe(0)
}, 120_000)

test('two policies are locked and unlocked apart; a client certificate works as a token does', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  await home.unlock('prod')
  expect((await home.kubectl(['--context', 'prod-playground', 'get', 'pods'])).code).toBe(0)
  expect((await home.kubectl(['--context', 'playground', 'get', 'pods'])).code).toBe(77)
  await home.unlock('default')
  await home.lock('prod')
  expect((await home.kubectl(['--context', 'prod-playground', 'get', 'pods'])).code).toBe(77)
  expect((await home.kubectl(['--context', 'playground', 'get', 'pods'])).code).toBe(0)
})

test('the lifetime ends a session however busy it is', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '5s', lifetime: '6s' })
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  await until('the lock by age', async () => (await home.kubectl(['get', 'pods'])).code === 77, {
    withinMs: 20_000,
  })
})

test('what asks all the time keeps no session open', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '4s' })
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  const from = Date.now()
  await until('the idle lock under polling', async () => (await home.kubectl(['get', 'pods'])).code === 77, {
    withinMs: 15_000,
  })
  expect(Date.now() - from).toBeLessThan(10_000)
  const log = await home.kubeguard(['log', '--json'])
  expect(log.stdout).toContain('"idle"')
})

test('eject gives back what adopt took', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const view = async () =>
    JSON.parse((await home.realKubectl(['config', 'view', '--raw', '-o', 'json'])).stdout) as unknown
  const before = await view()
  await home.init()
  expect(await view()).not.toEqual(before)
  const ejected = await home.kubeguard(['eject', '--yes', '--passphrase-fd', '3'], {
    fd3: 'correct horse battery staple',
  })
  expect(ejected).toMatchObject({ code: 0 })
  expect(await view()).toEqual(before)
  expect((await home.realKubectl(['get', 'pods'])).code).toBe(0)
})
