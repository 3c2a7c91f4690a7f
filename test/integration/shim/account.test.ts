import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Home, Installation, run } from './rig.ts'
import type { Ran } from './rig.ts'

/** Without KUBEGUARD_HOME the daemon is found from the user database, here one of the test's own. */
describe.each(['native', 'libc'] as const)('%s shim, in an account', (kind) => {
  let installation: Installation
  let home: Home

  beforeAll(() => {
    installation = new Installation(kind)
  })
  afterAll(() => installation.remove())
  beforeEach(async () => {
    home = await new Home().start()
    home.daemon.replies('gate.check', { verdict: 'allow', program: Buffer.from('/bin/echo') })
    const state = join(home.folder, 'account', '.local', 'state', 'kubeguard')
    mkdirSync(dirname(state), { recursive: true })
    renameSync(join(home.folder, 'state'), state)
  })
  afterEach(() => home.remove())

  const accountLine = (): string => `me:x:0:0:Me, Myself:${home.folder}/account:/bin/sh\n`

  const shim = (passwd: string): Promise<Ran> => runInAccount(installation, home.folder, { passwd })

  test.each([
    ['the first line', (line: string) => `${line}other:x:1:1::/other:/bin/sh\n`],
    ['after very many others', (line: string) => `${others(5000)}${line}`],
    [
      'after lines that are no accounts',
      (line: string) => `\n# 0:0\n+::::::\nx:x:00x:0::/no:/bin/sh\n${line}`,
    ],
    ['the first of two', (line: string) => `${line}again:x:0:0::/again:/bin/sh\n`],
  ])('its home is in /etc/passwd: %s', async (_where, around) => {
    const ran = await shim(around(accountLine()))
    expect(ran).toMatchObject({ code: 0, stdout: Buffer.from('found it\n'), stderr: '' })
  })

  test.each([
    ['without a user database', ''],
    ['without an account', others(3)],
    ['with a home that is no path', 'me:x:0:0::home:/bin/sh\n'],
  ])('%s it says so', async (_what, passwd) => {
    const ran = await shim(passwd)
    expect(ran.stderr).toMatch(/^kubeguard: the user database names no home for this account\n/)
    expect(home.daemon.asked('gate.check')).toEqual([])
  })
})

describe('native shim, in an account that is not in /etc/passwd', () => {
  test.each([
    ['it is not there', 'passwd: files sss\n', others(3)],
    ['another place comes first', '# passwd: files\n passwd:\tsss files\n', 'me:x:0:0::/home:/bin/sh\n'],
  ])('%s: the one with a C library takes over', async (_why, nsswitch, passwd) => {
    const installation = new Installation('native')
    const twin = join(installation.root, 'dist', 'native', 'kubeguard-native-libc')
    writeFileSync(twin, '#!/bin/sh\necho took over "$@"\n', { mode: 0o755 })
    const ran = await runInAccount(installation, installation.root, { passwd, nsswitch })
    installation.remove()
    expect(ran).toMatchObject({ code: 0, stdout: Buffer.from('took over found it\n'), stderr: '' })
  })
})

test('what the environment would have loaded into the native shim is not looked at', async () => {
  const installation = new Installation('native')
  const home = await new Home().start()
  home.daemon.replies('gate.check', { verdict: 'deny', exitCode: 7 })
  const env = { ...home.env, LD_PRELOAD: join(home.folder, 'nowhere.so') }
  const ran = await run(installation.tool('kubectl'), ['get', 'pods'], { env })
  installation.remove()
  await home.remove()
  expect(ran).toMatchObject({ code: 7, stderr: '' })
})

/** Runs the shim as uid 0 of a user namespace that sees these files as its user database. */
function runInAccount(
  installation: Installation,
  folder: string,
  { passwd, nsswitch = 'passwd: files\n' }: { passwd: string; nsswitch?: string },
): Promise<Ran> {
  const files = [join(folder, 'passwd'), join(folder, 'nsswitch')] as const
  writeFileSync(files[0], passwd)
  writeFileSync(files[1], nsswitch)
  const line =
    'mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@" found it'
  const args = ['-rm', '/bin/sh', '-c', line, 'sh', ...files, installation.tool('kubectl')]
  return run('unshare', args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })
}

function others(count: number): string {
  return Array.from(
    { length: count },
    (_, at) => `u${at}:x:${at + 1}:1:Somebody:/home/u${at}:/bin/sh\n`,
  ).join('')
}
