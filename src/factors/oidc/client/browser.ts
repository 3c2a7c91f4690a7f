import { spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/** A program that shows an address, and its arguments before that. */
export interface Browser {
  readonly program: string
  readonly args: readonly string[]
}

/**
 * How to open a browser here: $BROWSER, as xdg-open reads it (a list with colons, `%s` for the address); else the
 * desktop's, where there is one; else that of the Windows which this Linux runs in.
 *
 * @returns undefined where nobody would see it
 */
export function findBrowser(env: NodeJS.ProcessEnv = process.env): Browser | undefined {
  const { BROWSER, DISPLAY, WAYLAND_DISPLAY, PATH } = env
  const wanted = (BROWSER ?? '')
    .split(':')
    .map((entry) => entry.split(' ').filter((word) => word !== ''))
    .map(([name = '', ...args]) => ({
      program: find(name, PATH),
      args: args.filter((word) => word !== '%s'),
    }))
    .find(({ program }) => program !== undefined)
  if (wanted?.program !== undefined) return { program: wanted.program, args: wanted.args }
  const desktop = DISPLAY || WAYLAND_DISPLAY ? find('xdg-open', PATH) : undefined
  if (desktop !== undefined) return { program: desktop, args: [] }
  return isWsl() ? windowsBrowser(PATH) : undefined
}

/** explorer.exe hands an address to the usual browser; wslview, where it is installed, does so more quietly. */
function windowsBrowser(path: string | undefined): Browser | undefined {
  const program = find('wslview', path) ?? find('explorer.exe', path)
  return program === undefined ? undefined : { program, args: [] }
}

/** Microsoft's kernels say so. */
function isWsl(): boolean {
  try {
    return /microsoft/i.test(readFileSync('/proc/sys/kernel/osrelease', 'utf8'))
  } catch {
    return false
  }
}

function find(name: string, path = ''): string | undefined {
  if (name === '') return undefined
  const places = isAbsolute(name)
    ? [name]
    : path
        .split(delimiter)
        .filter(isAbsolute)
        .map((folder) => join(folder, name))
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Starts it and lets go of it: it outlives us, says nothing on this terminal, and may fail. */
export function openBrowser({ program, args }: Browser, address: string): void {
  const child = spawn(program, [...args, address], { cwd: '/', detached: true, stdio: 'ignore' })
  child.on('error', () => {})
  child.unref()
}
