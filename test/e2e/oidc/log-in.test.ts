import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { oidcHome } from '../../fixtures/oidc-home.ts'
import { personIn } from '../../fixtures/person.ts'

test('a command that meets the lock sends the browser to the provider, and goes on as who logged in there', async () => {
  const { home, playground, browser } = await oidcHome()
  using shell = await personIn(home, { BROWSER: browser })
  const { code, shown } = await shell.enter('kubectl get pods', 90_000)
  expect(shown).toContain('corp: log in with your browser')
  expect(shown).toContain('corp unlocked')
  expect(code).toBe(0)
  expect(playground.requests.entries.some(({ identity }) => identity?.user === 'alice')).toBe(true)
  expect(readFileSync(`${browser}.log`, 'utf8').trim().split('\n')).toHaveLength(1)
  await home.lock()
  const after = await home.realKubectl(['get', 'pods'])
  expect(after.code).not.toBe(0)
  expect(after.stderr).toContain('corp is locked')
  expect(existsSync(`${home.guardHome}/state/vaults/corp`)).toBe(false)
})
