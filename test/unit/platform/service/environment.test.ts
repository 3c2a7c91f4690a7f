import { expect, test } from 'vitest'
import {
  forgetServiceEnvironment,
  handedDescriptors,
  serviceEnvironment,
} from '../../../../src/platform/service/environment.ts'

test.each<[string, NodeJS.ProcessEnv, number[]]>([
  ['one for this process', { LISTEN_PID: '42', LISTEN_FDS: '1' }, [3]],
  ['three', { LISTEN_PID: '42', LISTEN_FDS: '3' }, [3, 4, 5]],
  ['meant for another process', { LISTEN_PID: '43', LISTEN_FDS: '1' }, []],
  ['meant for nobody', { LISTEN_FDS: '1' }, []],
  ['no number of them', { LISTEN_PID: '42' }, []],
  ['a negative number', { LISTEN_PID: '42', LISTEN_FDS: '-1' }, []],
  ['no number', { LISTEN_PID: '42', LISTEN_FDS: '1x' }, []],
  ['a pid that only begins so', { LISTEN_PID: '42x', LISTEN_FDS: '1' }, []],
])('handed descriptors: %s', (_what, environment, found) => {
  expect(handedDescriptors(environment, 42)).toEqual(found)
})

test('a number without sense is bounded', () => {
  expect(handedDescriptors({ LISTEN_PID: '42', LISTEN_FDS: '9999' }, 42)).toHaveLength(16)
})

test('what a manager says is handed on by itself, and taken from children', () => {
  const environment = {
    LISTEN_PID: '1',
    NOTIFY_SOCKET: '@x',
    WATCHDOG_USEC: '5',
    PATH: '/bin',
    LISTEN_FDNAMES: 'x',
  }
  expect(serviceEnvironment(environment)).toEqual({
    LISTEN_PID: '1',
    NOTIFY_SOCKET: '@x',
    WATCHDOG_USEC: '5',
  })
  forgetServiceEnvironment(environment)
  expect(serviceEnvironment(environment)).toEqual({})
  expect(environment.PATH).toBe('/bin')
})
