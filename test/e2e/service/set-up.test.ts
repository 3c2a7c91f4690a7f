import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { good, passphrase } from '../../fixtures/home.ts'
import { homeWithManager, isRoot, unitPath } from './service-home.ts'

/** The account’s own installation is found from there. */
function inUserDatabase(uid: number, folder: string): void {
  const name = execFileSync('id', ['-nu', String(uid)], { encoding: 'utf8' }).trim()
  execFileSync('usermod', ['--home', folder, name])
}

describe.runIf(isRoot)('init and the service', () => {
  test(
    'init --yes installs it, a second one mends it, and uninstall shows that all is as before',
    { timeout: 240_000 },
    async () => {
      const { home, manager } = await homeWithManager(inUserDatabase)
      const uid = home.account?.uid
      const env = { KUBEGUARD_HOME: '' }
      const kubeguard = (...args: string[]) =>
        manager.kubeguard([...args, '--yes', '--passphrase-fd', '3'], {
          env,
          fd3: passphrase,
          timeoutMs: 60_000,
        })
      const tree = async (): Promise<string> => good(await home.run('find', [home.home])).stdout
      await home.startPlayground()
      const before = await tree()

      const first = good(await kubeguard('init')).stderr
      expect(first).toContain('+ExecStart=')
      expect(first).toContain(`✓ service: ${unitPath(home)}, ${unitPath(home, 'kubeguard.socket')}`)
      const status = good(await manager.kubeguard(['service', 'status', '--json'], { env })).stdout
      expect(JSON.parse(status)).toMatchObject({
        enabled: true,
        listening: true,
        daemon: { byService: true },
      })
      expect(await manager.property('kubeguard.socket', 'Listen')).toBe(
        `/run/user/${uid}/kubeguard/bell.sock (Stream)`,
      )
      expect(good(await kubeguard('init')).stderr).toContain('✓ service: systemd starts the daemon')

      rmSync(unitPath(home, 'kubeguard.socket'))
      expect((await manager.kubeguard(['service', 'status'], { env })).code).toBe(1)
      const doctor = (await manager.kubeguard(['doctor', '--json'], { env })).stdout
      expect(JSON.parse(doctor)).toMatchObject({
        findings: expect.arrayContaining([
          expect.objectContaining({ id: 'service', level: 'note', cure: 'run: kubeguard service install' }),
        ]),
      })
      good(await kubeguard('init'))
      good(await manager.kubeguard(['service', 'status'], { env }))

      const last = good(await kubeguard('uninstall'))
      expect(last.stderr).toContain('✓ service: removed')
      expect(last.stderr).toContain('as before, line by line')
      expect(last.stdout).toBe('')
      expect(await tree()).toBe(before)
      expect(await manager.property('kubeguard.socket', 'LoadState')).toBe('not-found')
    },
  )

  test('a trial under KUBEGUARD_HOME leaves the account’s service alone', async () => {
    const { home, manager } = await homeWithManager()
    const init = ['init', '--yes', '--passphrase-fd', '3']
    const { stderr } = good(await manager.kubeguard(init, { fd3: passphrase }))
    expect(stderr).not.toContain('service')
    expect(await manager.property('kubeguard.socket', 'LoadState')).toBe('not-found')
    const doctor = (await manager.kubeguard(['doctor', '--json'])).stdout
    expect(doctor).toContain('"no-service"')
    expect(home.guardHome).not.toBe('')
  })
})
