import { expect, test } from 'vitest'
import { authorOf, homeOf, serviceUnit, socketUnit } from '../../../../src/cli/service/units.ts'

const paths = {
  launcher: '/opt/kubeguard/bin/kubeguard',
  bell: '/run/user/1000/kubeguard/bell.sock',
  guardHome: undefined,
}

const settingsOf = (unit: string): string[] => unit.split('\n').filter((line) => /^[A-Z]\w*=/.test(line))

test('a changed unit is told from one of ours and from another’s', () => {
  const unit = serviceUnit(paths)
  expect(authorOf(unit)).toBe('ours')
  expect(authorOf(unit.replace('RestartSec=1', 'RestartSec=2'))).toBe('changed')
  expect(authorOf(`${unit}\n`)).toBe('changed')
  expect(authorOf(unit.slice(unit.indexOf('\n') + 1))).toBe('other')
  expect(authorOf('')).toBe('other')
  expect(authorOf(socketUnit(paths))).toBe('ours')
})

test('paths are written as systemd reads them: specifiers doubled, quotes and backslashes escaped', () => {
  const odd = {
    launcher: '/a b/%h/$X/"q"\\n/kubeguard',
    bell: '/r %t/"b"\\x.sock',
    guardHome: '/g %u "$H"\\t/x',
  }
  const service = settingsOf(serviceUnit(odd))
  expect(service).toContain(String.raw`ExecStart=/bin/sh "/a b/%%h/$$X/\"q\"\\n/kubeguard" daemon run`)
  expect(service).toContain(String.raw`Environment="KUBEGUARD_HOME=/g %%u \"$H\"\\t/x"`)
  expect(settingsOf(socketUnit(odd))).toContain(String.raw`ListenStream=/r %%t/"b"\x.sock`)
})

test('whose KUBEGUARD_HOME a unit is for', () => {
  expect(homeOf(serviceUnit(paths))).toBeUndefined()
  expect(homeOf(serviceUnit({ ...paths, guardHome: '/trial' }))).toBe('/trial')
  expect(serviceUnit(paths)).not.toMatch(/^Environment=/m)
})

test.each([['a\nExecStartPre=/bin/evil'], ['tab\there'], ['not \ufffd text'], ['ends in \\']])(
  'a path that would write another setting is refused: %j',
  (name) => {
    expect(() => serviceUnit({ ...paths, launcher: `/opt/${name}` })).toThrow('a unit file can’t name')
    expect(() => serviceUnit({ ...paths, guardHome: `/home/${name}` })).toThrow('a unit file can’t name')
    expect(() => socketUnit({ ...paths, bell: `/run/${name}` })).toThrow('a unit file can’t name')
  },
)
