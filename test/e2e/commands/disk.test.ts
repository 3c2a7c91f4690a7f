import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { viewOf } from './secrets.ts'
import { sessionOf, statusOf } from './status.ts'

const unlock = (home: TestHome) =>
  home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], { fd3: passphrase })

/** Only root may, and not in every container. @returns whether there is a small disk now. */
function mountSmall(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'none', folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Takes all room that is left below a folder. */
function fill(folder: string): string {
  const file = join(folder, 'filler')
  for (let blockBytes = 64 * 1024; blockBytes >= 1; blockBytes = Math.floor(blockBytes / 4)) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(blockBytes), { flag: 'a' })
    } catch {
      // Full, for blocks of this size.
    }
  }
  return file
}

test('a full disk: no unlock, a lock all the same, and nothing is lost', async () => {
  const home = makeHome()
  onTestFinished(() => home.dispose())
  writePolicy(home, { idle: '10m' })
  const state = join(home.guardHome, 'state')
  mkdirSync(state, { mode: 0o700 })
  // Where nothing can be mounted, the journal's own tests fill a disk by a limit on the size of files.
  if (!mountSmall(state)) return
  onTestFinished(async () => {
    if (existsSync(join(state, 'filler'))) rmSync(join(state, 'filler'))
    await home.kubeguard(['daemon', 'stop'])
    execFileSync('umount', ['--lazy', state])
  })
  await home.startPlayground()
  const before = await viewOf(home, home.kubeconfig)
  await home.init()
  await home.unlock('default')
  const adopted = readFileSync(home.kubeconfig)

  const filler = fill(state)
  expect(statfsSync(state).bavail).toBe(0)
  const lock = await home.kubeguard(['lock', 'default'])
  expect((await sessionOf(home, 'default')).state).toBe('locked')
  expect(lock.code).toBeLessThan(2)
  expect(await home.realKubectl(['get', 'pods'])).not.toMatchObject({ code: 0 })
  const refused = await unlock(home)
  expect(refused).toMatchObject({ code: 75 })
  expect(refused.stderr).toMatch(/^kubeguard: .+\nmake room on the disk, then try again\n$/)
  expect((await sessionOf(home, 'default')).state).toBe('locked')
  const eject = await home.kubeguard(['eject', '--yes', '--passphrase-fd', '3'], { fd3: passphrase })
  const restored = eject.code === 0
  if (!restored) expect(readFileSync(home.kubeconfig)).toEqual(adopted)

  rmSync(filler)
  await until('an unlock once there is room', async () => (await unlock(home)).code === 0)
  if (!restored) {
    expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0 })
    good(await home.kubeguard(['eject', '--yes', '--passphrase-fd', '3'], { fd3: passphrase }))
  }
  expect(await viewOf(home, home.kubeconfig)).toEqual(before)
})

test('a full disk at a lock: what was materialised is taken out all the same, to the byte', async () => {
  const home = makeHome()
  onTestFinished(() => home.dispose())
  writePolicy(home, { idle: '10m', more: '    materialize: true\n' })
  const folder = dirname(home.kubeconfig)
  if (!mountSmall(folder)) return
  onTestFinished(async () => {
    await home.kubeguard(['daemon', 'stop'])
    execFileSync('umount', ['--lazy', folder])
  })
  await home.startPlayground()
  await home.init()
  const guarded = readFileSync(home.kubeconfig)
  await home.unlock('default')
  expect(readFileSync(home.kubeconfig)).not.toEqual(guarded)

  fill(folder)
  expect(statfsSync(folder).bavail).toBe(0)
  await home.lock('default')
  expect(readFileSync(home.kubeconfig)).toEqual(guarded)
})

test.each([
  ['overwritten', (path: string) => writeFileSync(path, Buffer.alloc(64 * 1024, 'no database '))],
  ['cut short', (path: string) => truncateSync(path, 5000)],
])('a journal that was %s: the daemon says so, sessions lock and unlock', async (_how, damage) => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  good(await home.kubeguard(['daemon', 'stop']))
  const state = join(home.guardHome, 'state')
  for (const name of ['journal.db-wal', 'journal.db-shm']) rmSync(join(state, name), { force: true })
  damage(join(state, 'journal.db'))

  const { problems } = await statusOf(home)
  expect(problems.join('\n')).toMatch(/journal/)
  const doctor = await home.kubeguard(['doctor'])
  expect(doctor).toMatchObject({ code: 1 })
  expect(doctor.stdout).toMatch(/journal/)
  await home.unlock('default')
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0 })
  await home.lock('default')
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 77 })
})
