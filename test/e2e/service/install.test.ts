import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unprivilegedAccounts } from '../../fixtures/accounts.ts'
import { good, makeHome } from '../../fixtures/home.ts'
import { copyInstallation } from '../../fixtures/installation.ts'
import { until } from '../../fixtures/terminal.ts'
import { daemonIn, homeWithManager, homeWithService, isRoot, unitPath } from './service-home.ts'

const read = (path: string): string => readFileSync(path, 'utf8')

describe.runIf(isRoot)('service install', () => {
  test('systemd starts the daemon for a client, in its sandbox, and all of it goes again', async () => {
    const { home, manager } = await homeWithManager()
    await home.startPlayground()
    await home.init()
    const tree = async (): Promise<string> =>
      good(await home.run('find', [home.home, '-not', '-path', '*/cache*'])).stdout
    const before = await tree()
    good(await manager.kubeguard(['service', 'install']))
    expect(await daemonIn(home)).toMatchObject({ byService: true })
    const status = await manager.kubeguard(['service', 'status', '--json'])
    expect(status.code).toBe(0)
    expect(JSON.parse(status.stdout)).toMatchObject({
      manager: true,
      units: [{ state: 'right' }, { state: 'right' }],
      enabled: true,
      listening: true,
      readInstead: [],
      daemon: { byService: true },
    })

    good(await home.kubeguard(['daemon', 'stop']))
    await until(
      'an inactive unit',
      async () => (await manager.property('kubeguard.service', 'ActiveState')) === 'inactive',
    )
    expect(await manager.property('kubeguard.service', 'Result')).toBe('success')
    expect(await daemonIn(home)).toBeUndefined()
    const refused = await home.kubectl(['get', 'pods'])
    expect(refused.code).toBe(77)
    const daemon = await daemonIn(home)
    expect(daemon?.byService).toBe(true)
    expect(await manager.processesOf('kubeguard.service')).toContain(daemon?.pid)

    const facts = read(`/proc/${daemon?.pid}/status`)
    expect(facts).toMatch(/^NoNewPrivs:\s1$/m)
    expect(facts).toMatch(/^Seccomp:\s2$/m)
    expect(facts).toMatch(/^Umask:\s0077$/m)
    expect(read(`/proc/${daemon?.pid}/limits`)).toMatch(/^Max core file size +0 +0/m)
    expect(await manager.property('kubeguard.service', 'MemorySwapMax')).toBe('0')
    await home.unlock()
    expect(good(await home.kubectl(['get', 'pods'])).stdout).toContain('Running')

    good(await manager.kubeguard(['service', 'uninstall']))
    expect(await tree()).toBe(before)
    expect(await manager.property('kubeguard.socket', 'LoadState')).toBe('not-found')
    expect(await daemonIn(home)).toBeUndefined()
    good(await home.kubeguard(['daemon', 'start']))
    expect(await daemonIn(home)).toMatchObject({ byService: false })
  })

  test('systemd finds nothing wrong with the units', async () => {
    const { home, manager } = await homeWithService()
    const units = [unitPath(home), unitPath(home, 'kubeguard.socket')]
    const env = { XDG_RUNTIME_DIR: `/run/user/${home.account?.uid}` }
    const verified = good(await manager.run('systemd-analyze', ['--user', 'verify', ...units], { env }))
    expect(verified.stdout + verified.stderr).toBe('')
  })

  test('an open session is not locked by it; a restart hands over', async () => {
    const { home, manager } = await homeWithManager()
    await home.startPlayground()
    await home.init()
    await home.unlock()
    const before = await daemonIn(home)
    const { stderr } = good(await manager.kubeguard(['service', 'install']))
    expect(stderr).toContain('kubeguard daemon restart')
    expect(await daemonIn(home)).toEqual(before)
    expect(good(await home.kubectl(['get', 'pods'])).stdout).toContain('Running')
    const doctor = await manager.kubeguard(['doctor', '--json'])
    expect(doctor.stdout).toContain('was not started by the service')
    good(await home.kubeguard(['daemon', 'restart']))
    expect(await daemonIn(home)).toMatchObject({ byService: true })
    expect((await home.kubectl(['get', 'pods'])).code).toBe(77)
  })

  test('a unit that was changed by hand is shown, kept, and replaced on a word alone', async () => {
    const { home, manager } = await homeWithService()
    const path = unitPath(home)
    const ours = read(path)
    const changed = ours.replace('RestartSec=1', 'RestartSec=7')
    writeFileSync(path, changed)
    const refused = await manager.kubeguard(['service', 'install'])
    expect(refused.code).toBe(78)
    expect(refused.stderr).toContain('-RestartSec=7')
    expect(refused.stderr).toContain(`${path} was changed by hand`)
    expect(refused.stderr).toContain('systemctl --user edit kubeguard.service')
    expect(read(path)).toBe(changed)
    expect((await manager.kubeguard(['doctor', '--json'])).stdout).toContain('is not as kubeguard wrote it')
    good(await manager.kubeguard(['service', 'install', '--replace']))
    expect(read(path)).toBe(ours)

    writeFileSync(path, changed)
    const { stderr } = good(await manager.kubeguard(['service', 'uninstall']))
    expect(stderr).toContain(`remove it: rm ${path}`)
    expect(read(path)).toBe(changed)
    expect(await manager.property('kubeguard.socket', 'ActiveState')).toBe('inactive')
  })

  test('somebody else’s unit, and that of another KUBEGUARD_HOME, stay', async () => {
    const { home, manager } = await homeWithService()
    const path = unitPath(home)
    const env = { KUBEGUARD_HOME: join(home.root, 'trial') }
    mkdirSync(env.KUBEGUARD_HOME, { mode: 0o700 })
    chownSync(env.KUBEGUARD_HOME, home.account?.uid ?? 0, home.account?.gid ?? 0)
    const trial = await manager.kubeguard(['service', 'install'], { env })
    expect(trial.code).toBe(78)
    expect(trial.stderr).toContain('is not of this installation')
    good(await manager.kubeguard(['service', 'uninstall'], { env }))
    expect(await manager.property('kubeguard.socket', 'ActiveState')).toBe('active')
    writeFileSync(path, '[Service]\nExecStart=/bin/true\n')
    expect((await manager.kubeguard(['service', 'install'])).code).toBe(78)
    expect(read(path)).toBe('[Service]\nExecStart=/bin/true\n')
  })

  test('a home and a program whose names hold spaces, quotes and specifiers', async () => {
    const { home, manager } = await homeWithManager()
    const guardHome = join(home.root, 'g %h"$U\\x')
    const root = copyInstallation(join(home.root, `i %t $HOME "q" 's'`))
    mkdirSync(guardHome, { mode: 0o700 })
    chownSync(guardHome, home.account?.uid ?? 0, home.account?.gid ?? 0)
    const env = { KUBEGUARD_HOME: guardHome }
    const kubeguard = (...args: string[]) => manager.run(join(root, 'bin', 'kubeguard'), args, { env })
    good(await kubeguard('service', 'install'))
    good(await kubeguard('daemon', 'start'))
    const { stdout } = good(await kubeguard('daemon', 'status', '--json'))
    expect(JSON.parse(stdout)).toMatchObject({
      byService: true,
      socket: join(guardHome, 'run', 'daemon.sock'),
    })
    good(await kubeguard('service', 'uninstall'))
  })

  test('where no manager answers: said, with exit code 75, and the daemon starts at first use', async () => {
    const { own } = unprivilegedAccounts()
    await using home = makeHome({ ...(own !== undefined && { account: own }) })
    const { code, stderr } = await home.kubeguard(['service', 'install'])
    expect(code).toBe(75)
    expect(stderr).toBe(
      'kubeguard: no systemd manager answers for this account\n' +
        'nothing has to be done: without a service the daemon starts at first use\n',
    )
    good(await home.kubeguard(['daemon', 'start']))
    const status = await home.kubeguard(['service', 'status'])
    expect(status.code).toBe(1)
    expect(status.stdout).toContain('no systemd manager answers: the daemon starts at first use')
  })
})
