import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { repository } from '../fixtures/terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'kg-hook-'))
afterAll(() => rmSync(folder, { recursive: true }))

const hooks = {
  bash: {
    start: ['bash', '--norc', '--noprofile'],
    path: 'printf "%s\\n" "$PATH"',
    status: '$?',
    strict: 'set -eu;',
  },
  zsh: { start: ['zsh', '-f'], path: 'printf "%s\\n" "$PATH"', status: '$?', strict: 'set -eu;' },
  fish: { start: ['fish', '--no-config'], path: 'string join : $PATH', status: '$status', strict: '' },
} as const

const accountShims = join(userInfo().homedir, '.local', 'share', 'kubeguard', 'shims')

describe.each(Object.entries(hooks))('%s', (name, { start, path, status, strict }) => {
  const source = `source ${repository}/shell/kubeguard.${name}`

  function run(
    commands: string,
    environment: Record<string, string> = {},
  ): { out: string; err: string; code: number | null } {
    const [file, ...args] = start
    const env = { HOME: folder, PATH: '/usr/bin:/bin', TERM: 'dumb', ...environment }
    const {
      stdout,
      stderr,
      status: code,
    } = spawnSync(file, [...args, '-c', commands], { env, encoding: 'utf8' })
    return { out: stdout, err: stderr, code }
  }

  test('puts the shims first, where the account’s home is and not $HOME', () => {
    expect(run(`${source}; ${path}`)).toEqual({ out: `${accountShims}:/usr/bin:/bin\n`, err: '', code: 0 })
  })

  test('follows KUBEGUARD_HOME', () => {
    const { out } = run(`${source}; ${path}`, { KUBEGUARD_HOME: '/x y/guard/' })
    expect(out).toBe('/x y/guard/data/shims:/usr/bin:/bin\n')
  })

  test('sourced again it moves the folder back to the front, once', () => {
    const before = {
      KUBEGUARD_HOME: '/g',
      PATH: '/g/data/shims:/usr/bin:/g/data/shims:/g/data/shims:/bin:/g/data/shims',
    }
    expect(run(`${source}; ${source}; ${path}`, before).out).toBe('/g/data/shims:/usr/bin:/bin\n')
  })

  test('a folder whose name holds pattern characters is no pattern', () => {
    const { out } = run(`${source}; ${source}; ${path}`, {
      KUBEGUARD_HOME: '/g[a]*',
      PATH: '/ga/data/shims:/usr/bin:/bin',
    })
    expect(out).toBe('/g[a]*/data/shims:/ga/data/shims:/usr/bin:/bin\n')
  })

  test('in a shell within a shell it is still there once', () => {
    const inner = [...start, '-c', `'${source}; ${path}'`].join(' ')
    expect(run(`${source}; ${inner}`, { KUBEGUARD_HOME: '/g' }).out).toBe('/g/data/shims:/usr/bin:/bin\n')
  })

  test('says nothing, keeps the status, leaves no name behind', () => {
    const { out, err } = run(`false; ${source}; echo ${status}; true; ${source}; echo ${status}`)
    expect({ out, err }).toEqual({ out: '1\n0\n', err: '' })
    const names = {
      bash: 'compgen -A function -A variable',
      zsh: 'typeset +; functions +',
      fish: 'set --names; functions --all',
    }
    const listed = run(`${source}; ${names[name as keyof typeof names]}`).out
    expect(listed.split('\n').filter((line) => /^_*kubeguard/.test(line))).toEqual([])
  })

  test('does not end a strict shell', () => {
    expect(run(`${strict} ! true; ${source}; echo lives`).out).toBe('lives\n')
  })

  test('starts no process', () => {
    const trace = join(folder, `${name}.trace`)
    const env = { HOME: folder, PATH: '/usr/bin:/bin', TERM: 'dumb' }
    execFileSync(
      'strace',
      ['-f', '-e', 'trace=fork,vfork,clone,clone3,execve', '-o', trace, ...start, '-c', source],
      { env },
    )
    const calls = readFileSync(trace, 'utf8')
      .split('\n')
      // fish reads what its own words say in a thread.
      .filter((line) => /(fork|clone|clone3|execve)\(/.test(line) && !line.includes('CLONE_THREAD'))
    expect(calls).toHaveLength(1)
  })
})

test('shellcheck has nothing to say', () => {
  const { stdout, status } = spawnSync('shellcheck', [`${repository}/shell/kubeguard.bash`], {
    encoding: 'utf8',
  })
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
})
