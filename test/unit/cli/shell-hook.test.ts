import {
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  existsSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StartUpFile } from '../../../src/cli/shell-hook.ts'
import {
  addHook,
  hookLine,
  hookState,
  removeHook,
  shellOf,
  startUpFile,
} from '../../../src/cli/shell-hook.ts'

let folder: string
let file: string
let hooked: StartUpFile

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kg-rc-'))
  file = join(folder, '.bashrc')
  hooked = { shell: 'bash', path: file, line: hookLine('bash') }
})

afterEach(() => rmSync(folder, { recursive: true }))

test('the line is added once, and found again', () => {
  writeFileSync(file, 'alias k=kubectl', { mode: 0o640 })
  addHook(hooked)
  const once = readFileSync(file, 'utf8')
  expect(once).toBe(`alias k=kubectl\n# kubeguard: kubectl with a time limit\n${hookLine('bash')}\n`)
  expect(hookState(hooked)).toBe('present')
  addHook(hooked)
  expect(readFileSync(file, 'utf8')).toBe(once)
  expect(statSync(file).mode & 0o777).toBe(0o640)
})

test('a line of an older installation is replaced', () => {
  writeFileSync(
    file,
    "# kubeguard: kubectl with a time limit\nsource '/old/shell/kubeguard.bash'\nalias k=kubectl\n",
  )
  expect(hookState(hooked)).toBe('other')
  addHook(hooked)
  expect(readFileSync(file, 'utf8')).not.toContain('/old/')
  expect(hookState(hooked)).toBe('present')
})

test('it is taken out again, and all else stays', () => {
  writeFileSync(file, 'alias k=kubectl\n')
  addHook(hooked)
  expect(removeHook(file)).toBe(true)
  expect(readFileSync(file, 'utf8')).toBe('alias k=kubectl\n')
  expect(removeHook(file)).toBe(false)
})

test('a file that held nothing else goes with it', () => {
  addHook(hooked)
  removeHook(file)
  expect(existsSync(file)).toBe(false)
})

test('a link, as dotfiles repositories have it, stays one', () => {
  const real = join(folder, 'dotfiles-bashrc')
  writeFileSync(real, '')
  symlinkSync(real, file)
  addHook(hooked)
  expect(readFileSync(real, 'utf8')).toContain(hookLine('bash'))
  removeHook(file)
  expect(lstatSync(file).isSymbolicLink()).toBe(true)
  expect(readFileSync(real, 'utf8')).toBe('')
})

test('shell and start-up file come from the environment', () => {
  expect(shellOf({ SHELL: '/usr/bin/zsh' })).toBe('zsh')
  expect(shellOf({ SHELL: '/bin/ksh' })).toBeUndefined()
  expect(startUpFile('zsh', { HOME: '/h', ZDOTDIR: '/z' })).toBe('/z/.zshrc')
  expect(startUpFile('fish', { HOME: '/h' })).toBe('/h/.config/fish/config.fish')
  expect(startUpFile('bash', { HOME: '/h' })).toBe('/h/.bashrc')
})
