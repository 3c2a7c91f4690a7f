import { existsSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dirs, ensurePlaces, places } from '../../../src/platform/dirs.ts'
import { scratch } from './scratch.ts'

test('the account says where things are, not the environment', () => {
  const found = dirs({
    HOME: '/somewhere',
    XDG_CONFIG_HOME: '/else',
    XDG_STATE_HOME: '/else',
    XDG_RUNTIME_DIR: '/else',
  })
  const { homedir, uid } = userInfo()
  expect(found.config).toBe(join(homedir, '.config/kubeguard'))
  expect(found.state).toBe(join(homedir, '.local/state/kubeguard'))
  expect(found.data).toBe(join(homedir, '.local/share/kubeguard'))
  expect([`/run/user/${uid}/kubeguard`, join(found.state, 'run')]).toContain(found.run)
})

test('KUBEGUARD_HOME moves everything at once', () => {
  expect(dirs({ KUBEGUARD_HOME: '/g/./h/' })).toEqual({
    config: '/g/h/config',
    state: '/g/h/state',
    run: '/g/h/run',
    data: '/g/h/data',
  })
})

test('an empty KUBEGUARD_HOME is none', () => {
  expect(dirs({ KUBEGUARD_HOME: '' })).toEqual(dirs({}))
})

test.each([
  ['relative/path', 'KUBEGUARD_HOME is not an absolute path'],
  [`/${'long'.repeat(20)}`, 'is too long for a socket'],
])('KUBEGUARD_HOME=%s is refused', (home, message) => {
  const attempt = () => dirs({ KUBEGUARD_HOME: home })
  expect(attempt).toThrow(message)
  expect(attempt).toThrow(expect.objectContaining({ code: 'usage' }))
})

test('places are made, the private ones for us alone', () => {
  const found = dirs({ KUBEGUARD_HOME: join(scratch(), 'guard') })
  ensurePlaces(found)
  ensurePlaces(found)
  const mode = (path: string) => statSync(path).mode & 0o777
  for (const path of [
    found.config,
    found.state,
    found.run,
    places.vaults(found),
    places.log(found),
    places.keepers(found),
  ]) {
    expect([path, mode(path)]).toEqual([path, 0o700])
  }
  expect(existsSync(places.shims(found)) && existsSync(places.plugins(found))).toBe(true)
  expect(mode(found.data) & 0o022).toBe(0)
})
