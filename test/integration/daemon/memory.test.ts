import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { expect, test } from 'vitest'
import { unprivilegedAccounts } from '../../fixtures/accounts.ts'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'

const chunkBytes = 4 * 1024 * 1024
const largestNeedleBytes = 4096

/** Everything that a process can read of its own memory. Only root may look, and the kernel's own pages not even it. */
function* memoryOf(pid: number): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      if (!/^\S+ r/.test(line) || /\[v(var|syscall|var_vclock)\]/.test(line)) continue
      const [from, to] = (line.split(' ')[0] as string)
        .split('-')
        .map((text) => Number.parseInt(text, 16)) as [number, number]
      for (let at = from; at < to; at += chunkBytes) {
        const bytes = Buffer.alloc(Math.min(to - at, chunkBytes + largestNeedleBytes))
        yield bytes.subarray(0, readSome(memory, bytes, at))
      }
    }
  } finally {
    closeSync(memory)
  }
}

/** Pages may go between a look at the maps and the reading. */
function readSome(memory: number, bytes: Buffer, at: number): number {
  try {
    return readSync(memory, bytes, 0, bytes.length, at)
  } catch {
    return 0
  }
}

/** @returns the names of what was found. */
function found(pid: number, needles: Readonly<Record<string, Buffer>>): string[] {
  const names = new Set<string>()
  for (const bytes of memoryOf(pid)) {
    for (const [name, needle] of Object.entries(needles)) if (bytes.includes(needle)) names.add(name)
  }
  return [...names].toSorted()
}

/** A secret as it may lie in memory: text of one or two bytes a character, its base64, what its base64 stands for. */
function spellings(name: string, secret: string): Record<string, Buffer> {
  const raw = Buffer.from(secret, 'base64')
  const pem = raw.toString('latin1')
  const middle = /-----BEGIN/.test(pem) ? (pem.split('\n')[1] as string) : undefined
  return {
    [name]: Buffer.from(secret),
    [`${name}, two bytes a character`]: Buffer.from(secret, 'utf16le'),
    [`${name} in base64`]: Buffer.from(Buffer.from(secret).toString('base64').slice(0, -4)),
    ...(middle === undefined
      ? {}
      : { [`${name}, the PEM`]: Buffer.from(middle), [`${name}, the DER`]: Buffer.from(middle, 'base64') }),
  }
}

function secretsIn(kubeconfig: string): Record<string, Buffer> {
  const text = readFileSync(kubeconfig, 'utf8')
  const all = [...text.matchAll(/(token|client-key-data):\s*(\S+)/g)]
  if (all.length < 2) throw new Error('the playground wrote no secrets')
  return Object.assign(
    {},
    ...all.map(([, key, secret], index) => spellings(`${key} ${index}`, secret as string)),
  ) as Record<string, Buffer>
}

/** Pids of our processes of one kind in this home. */
function pidsOf(home: TestHome, bundle: string): number[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1')
    } catch {
      return ''
    }
  }
  const isOurs = (pid: string): boolean =>
    read(pid, 'cmdline').includes(`dist/${bundle}.cjs`) &&
    read(pid, 'environ').includes(`KUBEGUARD_HOME=${home.guardHome}\0`)
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isOurs(entry))
    .map(Number)
}

test(
  'the daemon’s memory holds no passphrase and no credential, and the keeper’s does',
  { timeout: 120_000 },
  async () => {
    const { own } = unprivilegedAccounts()
    await using home = makeHome(own === undefined ? {} : { account: own })
    writePolicy(home, { idle: '10m' })
    await home.startPlayground()
    const credentials = secretsIn(home.kubeconfig)
    await home.init()
    await home.unlock('default')
    await home.unlock('prod')
    good(await home.kubectl(['get', 'pods']))
    good(await home.kubectl(['--context', 'prod-playground', 'get', 'pods']))
    good(await home.realKubectl(['get', 'pods']))

    const daemon = (await home.daemonPid()) as number
    if (own === undefined) {
      expect(() => openSync(`/proc/${daemon}/mem`, 'r')).toThrow(/EACCES|EPERM/)
      return
    }
    const known = { 'a known text': Buffer.from('prod-playground') }
    expect(found(daemon, { ...spellings('passphrase', passphrase), ...credentials, ...known })).toEqual([
      'a known text',
    ])

    const inKeepers = pidsOf(home, 'keeper').flatMap((keeper) => found(keeper, credentials))
    for (const name of Object.keys(credentials).filter((text) => /^token \d+$|the PEM$/.test(text)))
      expect(inKeepers).toContain(name)

    await home.lock()
    expect(pidsOf(home, 'keeper')).toEqual([])
    expect(found(daemon, { ...spellings('passphrase', passphrase), ...credentials })).toEqual([])
  },
)
