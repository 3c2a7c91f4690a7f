import { expect, test } from 'vitest'
import {
  flagsOfLine,
  flagsOfPage,
  goDurationMs,
  isSet,
  programFlags,
} from '../../../src/cluster-check/control-plane.ts'
import { cluster, no, yes } from './scripted-cluster.ts'

test('flags as kubectl prints a pod’s command and arguments', () => {
  const line = '["kube-apiserver","--audit-log-path=/a b","--anonymous-auth"] ["--v","2","-x=[\\"]"]'
  expect(Object.fromEntries(flagsOfLine(line))).toEqual({
    'audit-log-path': '/a b',
    'anonymous-auth': 'true',
    'v': '2',
    'x': '["]',
  })
})

test.each([':', ': ', '=', ' '])(
  'flags as an API server says them at /flagz, with %j in between',
  (between) => {
    const lines = [
      ['anonymous-auth', 'true'],
      ['audit-log-path', ''],
      ['oidc-groups-prefix', 'a=b: c'],
      ['x', '[]'],
    ].map((line) => line.join(between))
    const flags = flagsOfPage(`\napiserver flagz\nWarning: This endpoint is …\n\n${lines.join('\n')}\n`)
    expect(flags.get('anonymous-auth')).toBe('true')
    expect(flags.get('oidc-groups-prefix')).toBe('a=b: c')
    const names = ['audit-log-path', 'x', 'absent', 'anonymous-auth']
    expect(names.map((name) => isSet(flags, name))).toEqual([false, false, false, true])
  },
)

test.each([
  ['24h0m0s', 86_400_000],
  ['1.5s', 1_500],
  ['100ms', 100],
  ['0', 0],
  ['0s', 0],
  ['', undefined],
  ['1 h', undefined],
])('Go writes %j', (text, ms) => expect(goDurationMs(text)).toBe(ms))

test('pods come first, then /flagz, which the controller manager does not have', async () => {
  const page = yes('anonymous-auth=true\n')
  const pods = cluster([
    [/^get pods/, yes('["kube-apiserver","--a=1"] \n["kube-apiserver","--a=2"] \n')],
    [/flagz/, page],
  ])
  const found = await programFlags(pods, 'kube-apiserver')
  expect(found?.servers.map((flags) => flags.get('a'))).toEqual(['1', '2'])
  const others = cluster([
    [/^get pods/, yes('["something","--a=1"]\n')],
    [/flagz/, page],
  ])
  expect(await programFlags(others, 'kube-apiserver')).toMatchObject({ from: '/flagz' })
  expect(await programFlags(others, 'kube-controller-manager')).toBeUndefined()
  expect(await programFlags(cluster([[/./, no]]), 'kube-apiserver')).toBeUndefined()
})
