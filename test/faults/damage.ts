import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GuardError } from '../../src/domain/errors.ts'
import { openJournal } from '../../src/platform/journal/open-journal.ts'
import { createVaults } from '../../src/platform/vault/create-vault.ts'
import { openVault } from '../../src/platform/vault/open-vault.ts'
import { sealPending } from '../../src/platform/vault/seal-pending.ts'

/** What is damaged, in the order of docs/reliability.md. */
export const damaged = ['vault', 'journal'] as const
export type Damaged = (typeof damaged)[number]

export interface DamageCount {
  /** Nothing was lost by it, or the place is not used. */
  unhurt: number
  /** Said, with the cure; nothing else was touched. */
  said: number
  readonly wrong: string[]
}

/** The same numbers for the same seed (mulberry32). @returns integers from 0 up to, and without, `below` */
export function draws(seed: number): (below: number) => number {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

type Look = (folder: string) => Promise<'unhurt' | 'said'>

/** Flips a bit, or cuts a file short, at a drawn place, `times` times, and opens what is left. */
export async function damage(kind: Damaged, seed: number, times: number): Promise<DamageCount> {
  const root = mkdtempSync(join(tmpdir(), 'kg-damage-'))
  try {
    const model = join(root, 'model')
    mkdirSync(model, { mode: 0o700 })
    const look = await looks[kind](model)
    const draw = draws(seed)
    const count: DamageCount = { unhurt: 0, said: 0, wrong: [] }
    for (let time = 0; time < times; time += 1) {
      const folder = join(root, 'try')
      cpSync(model, folder, { recursive: true })
      const what = damageOne(folder, draw)
      try {
        count[await look(folder)] += 1
      } catch (error) {
        count.wrong.push(`${kind}, ${what}: ${String(error)}`)
      }
      rmSync(folder, { recursive: true })
    }
    return count
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size > 0)
    .toSorted()
}

function damageOne(folder: string, draw: (below: number) => number): string {
  const files = filesOf(folder)
  const path = files[draw(files.length)] as string
  const bytes = readFileSync(path)
  const at = draw(bytes.length)
  const isCut = draw(3) === 0
  if (isCut) truncateSync(path, at)
  else {
    bytes[at] = (bytes[at] as number) ^ (1 << draw(8))
    writeFileSync(path, bytes)
  }
  return `${path.slice(folder.length)} ${isCut ? 'cut at' : 'flipped at'} ${at}`
}

const passphrase = Buffer.from('correct horse')
const token = 'token-of-alice'

async function vault(model: string): Promise<Look> {
  await createVaults({ vaultsDir: model, policies: ['prod'], passphrase, logN: 10 })
  await sealPending(model, {
    id: 'prod.alice-0011aabb',
    policy: 'prod',
    file: '/home/alice/.kube/config',
    user: 'alice',
    contexts: ['prod'],
    token,
    original: {},
    adoptedAtMs: 1_700_000_000_000,
  })
  await openVault(model, 'prod', passphrase)
  return async (folder) => {
    const before = filesOf(folder).map((path) => readFileSync(path, 'latin1'))
    const found = await openVault(folder, 'prod', passphrase).catch((error: unknown) => error)
    if (!(found instanceof Error)) {
      const { items } = found as Awaited<ReturnType<typeof openVault>>
      if (!items.some((item) => item.token === token)) throw new Error('opens without its credential')
      return 'unhurt'
    }
    if (!(found instanceof GuardError) || found.cure === undefined) throw found
    const after = filesOf(folder).map((path) => readFileSync(path, 'latin1'))
    if (before.join('\0') !== after.join('\0')) throw new Error(`was changed, with ${found.message}`)
    return 'said'
  }
}

async function journal(model: string): Promise<Look> {
  const open = (folder: string) => openJournal({ path: join(folder, 'journal.db'), now: Date.now })
  const first = open(model)
  for (let entry = 0; entry < 200; entry += 1)
    first.recordDurably({ event: 'unlocked', policy: 'prod', details: { pid: entry } })
  first.close()
  return async (folder) => {
    const found = open(folder)
    try {
      found.recordDurably({ event: 'unlocked', policy: 'prod' })
      const isWhole = found.verify().intact && found.read({ limit: 300 }).length >= 200
      const isSaid = found.problems().length > 0 || !found.verify().intact
      if (!isWhole && !isSaid) throw new Error('entries are gone, and nobody says so')
      return isSaid ? 'said' : 'unhurt'
    } finally {
      found.close()
    }
  }
}

const looks: Readonly<Record<Damaged, (model: string) => Promise<Look>>> = { vault, journal }
