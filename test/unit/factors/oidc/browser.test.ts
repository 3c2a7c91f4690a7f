import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { findBrowser } from '../../../../src/factors/oidc/client/browser.ts'

const folder = mkdtempSync(join(tmpdir(), 'kg-browser-'))
const program = (name: string, mode = 0o755): string => {
  const file = join(folder, name)
  writeFileSync(file, '')
  chmodSync(file, mode)
  return file
}
const [firefox, xdgOpen] = [program('firefox'), program('xdg-open')]
program('no-program', 0o644)
afterAll(() => rmSync(folder, { recursive: true }))

test('$BROWSER comes first: the first of its programs that is there, with its arguments', () => {
  const env = { PATH: folder, BROWSER: 'nowhere:no-program:firefox --new-window %s', DISPLAY: ':0' }
  expect(findBrowser(env)).toEqual({ program: firefox, args: ['--new-window'] })
  expect(findBrowser({ BROWSER: firefox })).toEqual({ program: firefox, args: [] })
})

test('else the desktop’s, where there is a desktop', () => {
  expect(findBrowser({ PATH: folder, DISPLAY: ':0' })).toEqual({ program: xdgOpen, args: [] })
  expect(findBrowser({ PATH: folder, WAYLAND_DISPLAY: 'wayland-0' })).toEqual({ program: xdgOpen, args: [] })
})

test('a relative folder on PATH brings no browser', () => {
  expect(findBrowser({ PATH: '.', BROWSER: 'package.json' })).not.toMatchObject({
    program: expect.stringMatching('package.json'),
  })
})
