import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeHome, passphrase } from '../../fixtures/home.ts'
import { Screen } from '../../fixtures/screen.ts'
import { tool } from '../../fixtures/tools.ts'
import { secretsOf } from '../commands/secrets.ts'
import { kubeguard } from '../commands/status.ts'

test('a newcomer’s screens: what is there, each change as a diff without secrets, questions, and what to do next', async () => {
  await using home = makeHome()
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  const rc = join(home.home, '.bashrc')
  writeFileSync(rc, 'export GITHUB_TOKEN=ghp_of-nobodys-business\nalias k=kubectl\n')
  writeFileSync(join(home.home, '.profile'), '. ~/.bashrc\n')
  const before = { kubeconfig: readFileSync(home.kubeconfig, 'utf8'), rc: readFileSync(rc, 'utf8') }
  using screen = new Screen(kubeguard, ['init'], home.env, home.home)
  await screen.asks('write these rules to')
  expect(screen.text).toMatch(/found kubectl: \S+kubectl/)
  expect(screen.text.replaceAll('\n', '')).toContain(`found kubeconfig: ${home.kubeconfig}`)
  expect(screen.text).toMatch(/prod: locks after 5m idle, after 4h in any case: prod-playground/)
  screen.type('y')
  await screen.asks('new passphrase, for all vaults: ')
  screen.type(`${passphrase}\r`)
  await screen.asks('the same again: ')
  screen.type(`${passphrase}\r`)
  await screen.asks('move the secrets of 2 users into vaults?')
  expect(screen.text).toMatch(/^- +token: \*\*\*$/m)
  expect(screen.text).toMatch(/^\+ +command: .*kubeguard-credential/m)
  expect(readFileSync(home.kubeconfig, 'utf8')).toBe(before.kubeconfig)
  screen.type('y')
  await screen.asks('put a kubectl that asks before it runs into')
  screen.type('y')
  await screen.asks('have these ask before they run, too: helm?')
  screen.type('y')
  await screen.asks('by a line in')
  expect(screen.text).toMatch(/^ export GITHUB_TOKEN=\*\*\*$/m)
  expect(screen.text).toMatch(/^\+source '.*$/m)
  expect(readFileSync(rc, 'utf8')).toBe(before.rc)
  screen.type('y')
  await screen.until('the end', ({ exitCode }) => exitCode !== undefined, 60_000)
  expect(screen.exitCode).toBe(0)
  expect(screen.text).toMatch(/bash: a new one finds the shim first/)
  expect(screen.text).toMatch(/tried: kubectl version --client, through the shim/)
  expect(screen.text).toMatch(/kubeguard: ready\nopen a new shell, then: kubectl get pods\n/)
  for (const secret of [...secrets, passphrase, 'ghp_of-nobodys-business'])
    expect(screen.output).not.toContain(secret)

  using second = new Screen(kubeguard, ['uninstall'], home.env, home.home)
  await second.until('the question', ({ text }) => text.includes('put the credentials back and remove'))
  second.type('y')
  await second.until('the passphrase to be asked for', ({ typed }) => typed.endsWith('passphrase: '), 30_000)
  second.type(`${passphrase}\r`)
  await second.until('the end', ({ exitCode }) => exitCode !== undefined, 60_000)
  expect(second.exitCode).toBe(0)
  expect(second.text).toMatch(/the 2 files that init changed: as before, line by line/)
  expect({ kubeconfig: readFileSync(home.kubeconfig, 'utf8'), rc: readFileSync(rc, 'utf8') }).toEqual(before)
})

test('Ctrl-C at a question ends it there: what was done stands, the rest is not begun', async () => {
  await using home = makeHome()
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  const before = readFileSync(home.kubeconfig, 'utf8')
  const line = `${kubeguard} init; echo code=$?`
  using screen = new Screen('/bin/bash', ['--norc', '--noprofile', '-i'], home.env, home.home)
  screen.type(`${line}\r`)
  await screen.until('the first question', ({ text }) => /write these rules[\s\S]*Yes/.test(text), 60_000)
  screen.type('\x03')
  await screen.until('the end', ({ text }) => /^code=\d/m.test(text))
  expect(screen.text).toMatch(/kubeguard: cancelled\n.*\n+code=1$/m)
  expect(readFileSync(home.kubeconfig, 'utf8')).toBe(before)
})
