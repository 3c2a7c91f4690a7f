import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, linkSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { closeSync, fstatSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { placesOfWipe } from '../../../src/domain/policy-wipe.ts'
import { tokenCaches } from '../../../src/domain/token-caches.ts'
import type { TokenCache } from '../../../src/domain/token-caches.ts'
import type { ScribeAnswer } from '../../../src/platform/scribes/job.ts'
import { createTraces } from '../../../src/platform/traces.ts'
import type { SweepReport } from '../../../src/protocol/reports.ts'
import { besideCaches, cachedSecret, tokenCacheFiles, writeFiles } from '../../fixtures/token-caches.ts'
import { bundledInFreshHomes, home, program, read, resultOf, runRaw } from './scribe-fixture.ts'

bundledInFreshHomes()

const userHome = (...names: string[]): string => join(home.root, 'user', ...names)

async function sweep(wipe: readonly string[], traces: readonly string[] = []): Promise<SweepReport> {
  mkdirSync(userHome(), { recursive: true })
  const job = { job: 'sweep', paths: [], places: placesOfWipe(wipe), traces } as const
  const { stdout, stderr } = await runRaw(program, home, job, [], { HOME: userHome() })
  expect(stderr).toBe('')
  return resultOf(JSON.parse(stdout) as ScribeAnswer<SweepReport>)
}

const names = Object.keys(tokenCaches) as TokenCache[]

function writeAll(): void {
  for (const name of names) writeFiles(userHome(), tokenCacheFiles[name])
  writeFiles(userHome(), besideCaches)
}

describe('the caches that have a name', () => {
  test.each(names)('%s: its files go, and nobody else’s', async (name) => {
    writeAll()
    const own = Object.keys(tokenCacheFiles[name]).map((path) => userHome(path))
    const others = names
      .filter((other) => other !== name)
      .flatMap((other) => Object.keys(tokenCacheFiles[other]))
    const report = await sweep([name])
    expect(report.failures).toEqual([])
    expect([...report.wiped].toSorted()).toEqual(own.toSorted())
    expect(own.filter(existsSync)).toEqual([])
    expect([...others, ...Object.keys(besideCaches)].filter((path) => !existsSync(userHome(path)))).toEqual(
      [],
    )
  })

  test('all at once: nothing holds the secrets any more', async () => {
    writeAll()
    expect(spawnSync('grep', ['-rl', cachedSecret, userHome()]).status).toBe(0)
    await sweep(names)
    expect(spawnSync('grep', ['-rl', cachedSecret, userHome()]).status).toBe(1)
  })

  test('none is there: nothing to do', async () => {
    expect(await sweep(names)).toMatchObject({ wipedFiles: 0, failures: [] })
  })
})

test('what was in a file is overwritten and truncated, not only its name removed', async () => {
  const path = userHome('.aws/sso/cache/a.json')
  writeFiles(userHome(), { '.aws/sso/cache/a.json': `${cachedSecret}\n`.repeat(10_000) })
  const job = { job: 'sweep', paths: [], places: ['.aws/sso/cache'], traces: [] } as const
  const open = openSync(path, 'r')
  try {
    await runRaw(program, home, job, [], { HOME: userHome() })
    expect(fstatSync(open).size).toBe(0)
  } finally {
    closeSync(open)
  }
})

test('globs match in each part of a path, hidden names only where they say so', async () => {
  const files = ['.cache/a/token.json', '.cache/b/token.json', '.cache/b/.hidden.json', '.cache/b/readme']
  writeFiles(userHome(), Object.fromEntries(files.map((name) => [name, cachedSecret])))
  const { wiped } = await sweep(['~/.cache/*/*.json'])
  expect([...wiped].toSorted()).toEqual(files.slice(0, 2).map((name) => userHome(name)))
})

test('a read-only file, and one whose name is not UTF-8, go too', async () => {
  writeFiles(userHome(), { '.aws/sso/cache/a': cachedSecret })
  chmodSync(userHome('.aws/sso/cache/a'), 0o400)
  writeFileSync(
    Buffer.concat([Buffer.from(userHome('.aws/sso/cache/')), Buffer.from([0xff, 0xfe])]),
    cachedSecret,
  )
  expect(await sweep(['aws-sso'])).toMatchObject({ wipedFiles: 2, failures: [] })
  expect(readdirSync(userHome('.aws/sso/cache'))).toEqual([])
})

describe('nothing else is touched', () => {
  const foreign = (): string => join(home.root, 'foreign')

  test('a link in a cache, and a cache that is one: said, not followed', async () => {
    writeFiles(home.root, { 'foreign/precious': 'precious' })
    writeFiles(userHome(), { '.aws/sso/cache/a': cachedSecret })
    symlinkSync(join(foreign(), 'precious'), userHome('.aws/sso/cache/link'))
    symlinkSync(foreign(), userHome('.aws/sso/cache/folder'))
    mkdirSync(userHome('.kube/cache'), { recursive: true })
    symlinkSync(foreign(), userHome('.kube/cache/oidc-login'))
    const { wiped, failures } = await sweep(['aws-sso', 'kubelogin'])
    expect(wiped).toEqual([userHome('.aws/sso/cache/a')])
    expect([...failures].toSorted()).toEqual([
      `${userHome('.aws/sso/cache/folder')} is a link, which is not followed`,
      `${userHome('.aws/sso/cache/link')} is a link, which is not followed`,
      `${userHome('.kube/cache/oidc-login')} is a link, which is not followed`,
    ])
    expect(read(join(foreign(), 'precious'))).toBe('precious')
  })

  test('a link on the way', async () => {
    writeFiles(home.root, { 'foreign/sso/cache/precious': 'precious' })
    mkdirSync(userHome(), { recursive: true })
    symlinkSync(foreign(), userHome('.aws'))
    const { failures } = await sweep(['aws-sso'])
    expect(failures).toEqual([`${userHome('.aws')} is a link, or no folder: not followed`])
    expect(read(join(foreign(), 'sso/cache/precious'))).toBe('precious')
  })

  test('a file with another name keeps what it holds under that', async () => {
    writeFiles(home.root, { 'foreign/precious': 'precious' })
    mkdirSync(userHome('.aws/sso/cache'), { recursive: true })
    linkSync(join(foreign(), 'precious'), userHome('.aws/sso/cache/a'))
    const { failures } = await sweep(['aws-sso'])
    expect(failures).toEqual([expect.stringContaining('another name')])
    expect(read(join(foreign(), 'precious'))).toBe('precious')
    expect(existsSync(userHome('.aws/sso/cache/a'))).toBe(false)
  })

  test.runIf(process.getuid?.() === 0)('files and folders of others', async () => {
    writeFiles(userHome(), { '.aws/sso/cache/a': 'theirs', '.aws/sso/cache/b/c': 'theirs' })
    chownSync(userHome('.aws/sso/cache/a'), 12_345, 12_345)
    chownSync(userHome('.aws/sso/cache/b'), 12_345, 12_345)
    const { wipedFiles, failures } = await sweep(['aws-sso'])
    expect([wipedFiles, failures]).toEqual([
      0,
      [
        `${userHome('.aws/sso/cache/a')} belongs to another account`,
        `${userHome('.aws/sso/cache/b')} belongs to another account`,
      ],
    ])
    expect(read(userHome('.aws/sso/cache/a'))).toBe('theirs')
  })

  test('kubeguard’s own folders', async () => {
    mkdirSync(userHome('.local', 'state'), { recursive: true })
    const own = userHome('.local', 'state', 'kubeguard')
    renameSync(join(home.root, 'guard', 'state'), own)
    symlinkSync(own, join(home.root, 'guard', 'state'))
    const { failures } = await sweep(['~/.local/state'])
    expect(failures).toEqual([`${own} is kubeguard’s own folder, and stays`])
    expect(existsSync(join(own, 'vaults', 'prod', 'identity.age'))).toBe(true)
  })

  test('more files than a cache has: the rest is said', async () => {
    mkdirSync(userHome('.aws/sso/cache'), { recursive: true })
    for (let count = 0; count < 10_010; count += 1) writeFileSync(userHome('.aws/sso/cache', `${count}`), '')
    const { wipedFiles, wiped, failures } = await sweep(['aws-sso'])
    expect([wipedFiles, wiped.length, failures]).toEqual([
      9_999,
      1_000,
      [expect.stringContaining('more than 10000 files')],
    ])
  })
})

describe('a trace', () => {
  const folder = (): string => join(home.root, 'guard', 'state', 'traces')
  const id = 'prod~0123456789abcdef'
  const traceOf = (wipe: readonly string[], onLock: readonly string[] = []) => ({
    places: placesOfWipe(wipe),
    onLock,
  })

  test('hands its commands over once, also where something stays', async () => {
    writeAll()
    createTraces(folder()).begin(id, traceOf(['tsh'], ['tsh logout', 'true']))
    const link = userHome('.tsh/keys/link')
    symlinkSync('/etc/passwd', link)
    const first = await sweep([], [id])
    expect(first.commands).toEqual([
      { policy: 'prod', command: 'tsh logout' },
      { policy: 'prod', command: 'true' },
    ])
    rmSync(link)
    expect(await sweep([], [id])).toMatchObject({ failures: [], commands: [] })
    expect(createTraces(folder()).ids()).toEqual([])
  })

  test('names what to wipe, and goes with it', async () => {
    writeAll()
    createTraces(folder()).begin(id, traceOf(['tsh']))
    expect(await sweep([], [id])).toMatchObject({ wipedFiles: Object.keys(tokenCacheFiles.tsh).length })
    expect(readdirSync(folder())).toEqual([])
  })

  test('stays where something could not be wiped, and is tried again', async () => {
    writeAll()
    const other = 'prod~fedcba9876543210'
    for (const one of [id, other]) createTraces(folder()).begin(one, traceOf(['tsh']))
    const link = userHome('.tsh/keys/link')
    symlinkSync('/etc/passwd', link)
    expect(await sweep([], [id, other])).toMatchObject({ failures: [expect.stringContaining('link')] })
    expect(createTraces(folder()).ids()).toEqual([id])
    rmSync(link)
    writeFiles(userHome(), { '.tsh/keys/again': cachedSecret })
    expect(await sweep([], [id])).toMatchObject({ wipedFiles: 1, failures: [] })
    expect(createTraces(folder()).ids()).toEqual([])
  })

  test('that was tampered with leads nowhere else', async () => {
    writeFiles(home.root, { 'foreign/precious': 'precious' })
    const traces = createTraces(folder())
    traces.begin(id, { places: ['../foreign', '.kube/../../foreign/precious', '', '/etc'], onLock: [] })
    await sweep([], [id])
    expect(read(join(dirname(userHome()), 'foreign', 'precious'))).toBe('precious')
    writeFileSync(join(folder(), `${id}.json`), 'nonsense')
    expect(await sweep([], [id])).toMatchObject({ failures: [] })
  })
})
