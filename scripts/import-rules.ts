/**
 * Which folder of src/ may import what: the one table behind the lint rules (oxlint.config.ts) and
 * test/unit/imports.test.ts. The reasons are in docs/architecture.md, "Who imports whom".
 */
export interface FolderRule {
  /** Other folders of src/, or single places in them, that may be imported: `domain`, `platform/dirs`. */
  readonly may: readonly string[]
  /** As `may`, but for `import type` only. */
  readonly mayTypes?: readonly string[]
  /** Places inside an allowed folder that are out of bounds all the same. */
  readonly never?: readonly string[]
  /** Built-in modules; `all` for no limit. */
  readonly node: 'all' | readonly string[]
}

/** What a program on the user's side needs of the platform: where things are, and how to be hardened. */
const clientSide = ['client', 'protocol', 'domain', 'hardening'].concat(
  ['dirs', 'install', 'libc', 'lock-file', 'peer', 'safe-place', 'terminal'].map(
    (name) => `platform/${name}`,
  ),
)

/** The processes that may hold a secret. */
const secretSide = ['usecases', 'platform', 'protocol', 'domain', 'hardening']

export const folderRules: Readonly<Record<string, FolderRule>> = {
  domain: { may: [], node: [] },
  protocol: { may: ['domain'], node: ['stream'] },
  // Pure computations only: no clock, no file, no process but through a port.
  usecases: { may: ['domain'], mayTypes: ['protocol'], node: ['crypto', 'path', 'buffer'] },
  // hardening/environment: what a child process is given.
  platform: { may: ['usecases/ports', 'domain', 'protocol', 'hardening/environment'], node: 'all' },
  hardening: { may: ['platform/libc', 'domain'], node: 'all' },
  client: { may: clientSide.filter((place) => place !== 'client'), node: 'all' },
  // policy-file: init writes the first policy file. run-scribe: audit needs no daemon. vault-catalogue: names, which
  // reset says before they are lost. service/environment: what daemon run hands on.
  cli: {
    may: [
      ...clientSide,
      'platform/policy-file',
      'platform/scribes/run-scribe',
      'platform/service/environment',
      'platform/vault-catalogue',
    ],
    node: 'all',
  },
  shim: { may: clientSide, node: 'all' },
  tour: { may: clientSide, node: 'all' },
  playground: { may: ['domain', 'platform/install'], node: 'all' },
  daemon: { may: secretSide, never: ['platform/vault', 'platform/kubeconfig'], node: 'all' },
  keeper: { may: secretSide, never: ['platform/journal'], node: 'all' },
  scribe: { may: secretSide, never: ['platform/journal'], node: 'all' },
  // Holds no secret, and needs nothing but processes and a terminal's settings.
  reaper: { may: ['domain', 'protocol', 'hardening', 'platform/processes', 'platform/libc'], node: 'all' },
}

/** Packages and built-ins with a power of their own, and the only places that may reach for it. */
export const powers: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['platform', 'client', 'cli', 'daemon', 'keeper', 'shim', 'tour'],
  'node:inspector': [],
  'node:vm': [],
  'chokidar': ['platform/file-watch'],
  'dbus-native': ['platform/departures'],
  'age-encryption': ['platform/vault'],
  'better-sqlite3': ['platform/journal'],
  'koffi': ['platform', 'shim'],
  'yaml': ['platform', 'playground'],
  'ws': ['playground'],
  'spdy-transport': ['playground'],
  '@peculiar/x509': ['playground', 'platform'],
  '@clack/prompts': ['cli', 'tour'],
}

/** @returns whether `place` (`platform/vault/seal.ts`) is in the folder or is the file `allowed` names. */
export function isWithin(place: string, allowed: string): boolean {
  return place === allowed || place === `${allowed}.ts` || place.startsWith(`${allowed}/`)
}

/** One import of one file of src/. `target` is a path in src/ for our own files, else a module's name. */
export interface Import {
  readonly from: string
  readonly target: string
  readonly ours: boolean
  readonly typeOnly: boolean
}

/** @returns why this import is forbidden, or undefined. */
export function objection({ from, target, ours, typeOnly }: Import): string | undefined {
  const folder = from.split('/')[0] ?? ''
  const rule = folderRules[folder]
  if (rule === undefined) return `src/${folder} has no rule in scripts/import-rules.ts`
  if (ours) return objectionToOurs(rule, folder, target, typeOnly)
  const places = powers[target]
  if (places !== undefined && !places.some((place) => isWithin(from, place))) {
    return `${target} is for ${places.join(', ') || 'nobody'} only`
  }
  if (rule.node === 'all') return undefined
  if (target.startsWith('node:')) {
    return rule.node.includes(target.slice('node:'.length)) ? undefined : `${folder} does not touch ${target}`
  }
  return `${folder} uses no package`
}

function objectionToOurs(
  rule: FolderRule,
  folder: string,
  target: string,
  typeOnly: boolean,
): string | undefined {
  if (isWithin(target, folder)) return undefined
  if (rule.never?.some((place) => isWithin(target, place))) return `${folder} never imports ${target}`
  if (rule.may.some((place) => isWithin(target, place))) return undefined
  if (typeOnly && rule.mayTypes?.some((place) => isWithin(target, place))) return undefined
  return `${folder} does not import ${target}`
}
