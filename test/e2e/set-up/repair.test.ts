import { chmodSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { unprivilegedAccounts } from '../../fixtures/accounts.ts'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { repository } from '../../fixtures/terminal.ts'
import { tool } from '../../fixtures/tools.ts'
import { filesWith, secretsOf } from '../commands/secrets.ts'
import { treeOf } from './tree.ts'

const init = (home: TestHome) =>
  home.kubeguard(['init', '--yes', '--passphrase-fd', '3'], { fd3: passphrase, timeoutMs: 60_000 })

/** Owned by whom the home is. */
async function put(home: TestHome, path: string, text: string, mode: number): Promise<void> {
  good(
    await home.run('/bin/sh', ['-c', 'cat >"$0" && chmod "$1" "$0"', path, mode.toString(8)], {
      input: text,
    }),
  )
}

test('a read-only start-up file is left alone, with the line to add; all else is done', async () => {
  const { own } = unprivilegedAccounts()
  await using home = makeHome(own === undefined ? {} : { account: own })
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  const rc = join(home.home, '.bashrc')
  await put(home, rc, 'alias k=kubectl\n', 0o444)
  await put(home, join(home.home, '.profile'), '. ~/.bashrc\n', 0o644)
  const before = treeOf(home.home, ['.kube'])
  const { stderr } = good(await init(home))
  const line = `source '${repository}/shell/kubeguard.bash'`
  expect(stderr).toContain(
    `${rc} is read-only: it is left as it is\nput this line at its end yourself:\n${line}\n`,
  )
  expect(treeOf(home.home, ['.kube'])).toEqual(before)
  expect(filesWith(home.home, secrets)).toEqual([])
  const { findings } = JSON.parse((await home.kubeguard(['doctor', '--json'])).stdout) as {
    findings: unknown[]
  }
  expect(findings).toContainEqual({
    id: 'hook-missing',
    level: 'problem',
    message: `${rc} lacks the hook`,
    cure: `put this line into it: ${line}`,
  })

  // By hand it was put there, and made read-only again: uninstall says what to take out, and takes all else.
  chmodSync(rc, 0o644)
  await put(home, rc, `alias k=kubectl\n\n# kubeguard: kubectl with a time limit\n${line}\n`, 0o444)
  const gone = good(await home.kubeguard(['uninstall', '--yes', '--passphrase-fd', '3'], { fd3: passphrase }))
  expect(gone.stderr).toContain(
    `${rc} is read-only: it is left as it is\nremove these lines from it by hand:\n# kubeguard`,
  )
  expect(filesWith(home.home, secrets)).toEqual([home.kubeconfig])
})

test('a start-up file in a folder that can’t be written', async () => {
  const { own } = unprivilegedAccounts()
  await using home = makeHome(own === undefined ? {} : { account: own })
  home.env['SHELL'] = tool('fish')
  await home.startPlayground()
  good(
    await home.run('/bin/sh', [
      '-c',
      'mkdir -p .config/fish/functions .config/fish/conf.d .config/fish/completions && echo "set -g a 1" >.config/fish/config.fish',
    ]),
  )
  const folder = join(home.home, '.config', 'fish')
  chmodSync(folder, 0o555)
  const { stderr } = good(await init(home))
  expect(stderr).toMatch(/config\.fish .*left as it is\nput this line/)
  expect(readFileSync(join(folder, 'config.fish'), 'utf8')).toBe('set -g a 1\n')
  chmodSync(folder, 0o755)
})

test('run again it mends whatever broke, and only that', async () => {
  await using home = makeHome()
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  const rc = join(home.home, '.bashrc')
  writeFileSync(rc, 'alias k=kubectl\n')
  good(await init(home))
  const hooked = readFileSync(rc, 'utf8')
  const right = treeOf(join(home.guardHome, 'data'))

  // The line is gone; then it is of an installation that was moved away.
  for (const broken of ['alias k=kubectl\n', hooked.replaceAll(repository, '/opt/old/kubeguard')]) {
    writeFileSync(rc, broken)
    good(await init(home))
    expect(readFileSync(rc, 'utf8')).toBe(hooked)
  }
  // Links missing, and leading to an installation that is gone.
  rmSync(join(home.shims, 'kubectl'))
  rmSync(join(home.shims, 'kubeguard'))
  const plugin = join(home.guardHome, 'data', 'bin', 'kubeguard-credential')
  rmSync(plugin)
  symlinkSync('/opt/old/kubeguard/dist/native/kubeguard-native', plugin)
  // Open to others.
  const vault = join(home.guardHome, 'state', 'vaults', 'prod', 'vault.age')
  const config = join(home.guardHome, 'config', 'config.yaml')
  chmodSync(vault, 0o644)
  chmodSync(join(home.guardHome, 'state'), 0o755)
  chmodSync(home.shims, 0o777)
  chmodSync(config, 0o666)
  // A kubeconfig that came later, beside the one in use.
  const later = join(home.home, '.kube', 'later.yaml')
  await home.startPlayground(later)
  secrets.push(...secretsOf(later))
  expect(await home.kubeguard(['doctor'])).toMatchObject({ code: 1 })
  good(await init(home))
  expect(treeOf(join(home.guardHome, 'data'))).toEqual(right)
  for (const [path, mode] of [
    [vault, 0o600],
    [join(home.guardHome, 'state'), 0o700],
    [config, 0o644],
  ] as const)
    expect([path, (statSync(path).mode & 0o777).toString(8)]).toEqual([path, mode.toString(8)])
  expect(filesWith(home.root, secrets)).toEqual([])
  // What the machine does is not this installation's.
  const { findings } = JSON.parse((await home.kubeguard(['doctor', '--json'])).stdout) as {
    findings: { id: string; level: string }[]
  }
  expect(findings.filter(({ level, id }) => level === 'problem' && id !== 'swap')).toEqual([])
})
