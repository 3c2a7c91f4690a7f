import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'
import { defaultPolicies, proposedPolicies } from '../../../src/domain/policy.ts'
import type { PolicySet } from '../../../src/domain/policy.ts'
import { dirs, ensurePlaces, places } from '../../../src/platform/dirs.ts'
import { installRoot, nodePath } from '../../../src/platform/install.ts'
import type { AdoptJob, RestoredItem, ScribeAnswer, ScribeJob } from '../../../src/platform/scribes/job.ts'
import { createVaults } from '../../../src/platform/vault/create-vault.ts'
import { openIdentity } from '../../../src/platform/vault/identity.ts'
import type { VaultItem } from '../../../src/platform/vault/item.ts'
import { readPending } from '../../../src/platform/vault/pending.ts'
import { vaultPlaces } from '../../../src/platform/vault/places.ts'
import type { Adoption } from '../../../src/usecases/ports.ts'

export const passphrase = Buffer.from('correct horse battery staple')
/** Cheap to guess, so that tests are fast. */
const logN = 10

/** The scribe as it is shipped, one CommonJS bundle; or with another beginning. */
export function bundleScribe(entry = 'src/scribe/main.ts'): string {
  const folder = join(installRoot(), 'node_modules', '.cache', 'kubeguard-test')
  mkdirSync(folder, { recursive: true })
  const path = join(mkdtempSync(join(folder, 'scribe-')), 'scribe.cjs')
  buildSync({
    absWorkingDir: installRoot(),
    entryPoints: [entry],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    define: { 'import.meta.dirname': '__dirname' },
    external: ['koffi'],
    logLevel: 'error',
  })
  return path
}

export interface Home {
  readonly root: string
  readonly kube: string
  readonly vaults: string
  readonly environment: { readonly KUBEGUARD_HOME: string }
  readonly policies: PolicySet
  remove(): void
}

/** A home of its own with vaults for the policies `prod` (contexts `prod-*`) and `default`. */
export async function makeHome(vaultPolicies: readonly string[] = ['prod', 'default']): Promise<Home> {
  const root = mkdtempSync(join(tmpdir(), 'kubeguard-scribe-'))
  const environment = { KUBEGUARD_HOME: join(root, 'guard') }
  mkdirSync(environment.KUBEGUARD_HOME, { mode: 0o700 })
  const found = dirs(environment)
  ensurePlaces(found)
  const kube = join(root, 'kube')
  mkdirSync(kube)
  await createVaults({ vaultsDir: places.vaults(found), policies: vaultPolicies, passphrase, logN })
  const policies = [...proposedPolicies(['prod-*']).slice(0, -1), ...defaultPolicies()]
  const remove = (): void => rmSync(root, { recursive: true, force: true })
  return { root, kube, vaults: places.vaults(found), environment, policies, remove }
}

export function write(path: string, text: string, mode = 0o600): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text, { mode })
  return path
}

export const read = (path: string): string => readFileSync(path, 'utf8')

export function adoptJob(home: Home, paths: readonly string[], more: Partial<AdoptJob> = {}): AdoptJob {
  const plugin = { command: '/opt/kubeguard/bin/kubeguard-credential', env: {} }
  return { job: 'adopt', paths, users: [], dryRun: false, policies: home.policies, plugin, ...more }
}

export interface Run {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a job through the front door; `wrapper` is a program to run it under, `more` goes into its environment. */
export function runRaw(
  program: string,
  home: Home,
  job: ScribeJob,
  wrapper: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const command = [...wrapper, nodePath(), '--disable-sigusr1', program]
  return new Promise((resolve, reject) => {
    const child = spawn(command[0] as string, command.slice(1), {
      env: { ...home.environment, ...more },
      stdio: 'pipe',
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify(job))
    child.once('error', reject)
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }))
  })
}

export async function run<Result>(
  program: string,
  home: Home,
  job: ScribeJob,
): Promise<ScribeAnswer<Result>> {
  const { stdout, stderr } = await runRaw(program, home, job)
  if (stderr !== '') throw new Error(`the scribe said: ${stderr}`)
  return JSON.parse(stdout) as ScribeAnswer<Result>
}

export async function adopt(
  program: string,
  home: Home,
  paths: readonly string[],
  more: Partial<AdoptJob> = {},
) {
  return resultOf(await run<Adoption>(program, home, adoptJob(home, paths, more))).report
}

export async function restore(
  program: string,
  home: Home,
  items: readonly VaultItem[],
  paths: readonly string[] = [],
) {
  return resultOf(await run<RestoredItem[]>(program, home, { job: 'restore', items, paths }))
}

export function resultOf<Result>(answer: ScribeAnswer<Result>): Result {
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}; ${answer.cure}`)
  return answer.result
}

/** Every credential that waits in the vaults, opened with the passphrase. */
export async function pendingItems(home: Home): Promise<VaultItem[]> {
  const items: VaultItem[] = []
  for (const policy of ['prod', 'default']) {
    const places = vaultPlaces(home.vaults, policy)
    if (!existsSync(places.pending)) continue
    const key = await openIdentity(readFileSync(places.identity), passphrase, policy)
    const pending = await readPending(places, policy, key)
    if (pending.setAside.length > 0) throw new Error(`${pending.setAside.join(', ')} can't be opened`)
    items.push(...pending.items)
  }
  return items.toSorted((a, b) => a.id.localeCompare(b.id))
}

/** The scribe of `bundledInFreshHomes`, and its home of this test. */
export let program: string
export let home: Home

/** For a test file: one bundled scribe, and a home for each test. */
export function bundledInFreshHomes(): void {
  beforeAll(() => {
    program = bundleScribe()
  })
  afterAll(() => rmSync(dirname(program), { recursive: true, force: true }))
  beforeEach(async () => {
    home = await makeHome()
  })
  afterEach(() => home.remove())
}

/** Another home for the rest of this test, with vaults of these policies alone. */
export async function changeHome(vaultPolicies: readonly string[]): Promise<void> {
  home.remove()
  home = await makeHome(vaultPolicies)
}
