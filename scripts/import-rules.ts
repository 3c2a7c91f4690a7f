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
  // factors/settings: what a policy may say of each way to unlock; as pure as the domain itself.
  'domain': { may: ['factors/settings'], node: [] },
  'protocol': { may: ['domain'], node: ['stream'] },
  // Pure computations only: no clock, no file, no process but through a port.
  'usecases': { may: ['domain'], mayTypes: ['protocol'], node: ['crypto', 'path', 'buffer'] },
  // hardening/environment: what a child process is given.
  'platform': { may: ['usecases/ports', 'domain', 'protocol', 'hardening/environment'], node: 'all' },
  'hardening': { may: ['platform/libc', 'domain'], node: 'all' },
  'client': { may: clientSide.filter((place) => place !== 'client'), node: 'all' },
  // cluster/…: what is printed for a cluster's administrator. policy-file: init writes the first policy file. run-scribe: audit needs no daemon. vault-catalogue: names, which
  // reset says before they are lost. service/environment: what daemon run hands on.
  'cli': {
    may: [
      ...clientSide,
      'cluster-check',
      'platform/cluster/session-objects',
      'platform/cluster/setup-objects',
      'platform/before',
      'platform/policy-file',
      'platform/scribes/run-scribe',
      'platform/service/environment',
      'platform/vault-catalogue',
      'factors/client',
    ],
    node: 'all',
  },
  // What a cluster leaves open: told from answers, which a port brings. X509Certificate is in crypto.
  'cluster-check': { may: ['domain'], node: ['crypto', 'buffer'] },
  'shim': { may: clientSide, node: 'all' },
  'tour': { may: clientSide, node: 'all' },
  'playground': { may: ['domain', 'platform/install', 'platform/certificates'], node: 'all' },
  'daemon': { may: secretSide, never: ['platform/vault', 'platform/kubeconfig'], node: 'all' },
  'keeper': { may: [...secretSide, 'factors/keeper'], never: ['platform/journal'], node: 'all' },
  // One folder for each factor, and in it three roles, each with the rights of the process that it is for.
  'factors': { may: [], node: [] },
  'factors/settings': { may: ['domain'], node: [] },
  'factors/keeper': {
    may: [...secretSide, 'keeper', 'factors/settings'],
    never: ['platform/journal'],
    node: 'all',
  },
  'factors/client': { may: [...clientSide, 'factors/settings'], node: 'all' },
  'scribe': { may: secretSide, never: ['platform/journal'], node: 'all' },
  // Holds what is on a person's screen.
  'screen': { may: ['protocol', 'hardening'], node: 'all' },
  // Holds the credentials of one session that are in use, for the API servers that they are for.
  'gateway': {
    may: [
      'domain',
      'protocol',
      'hardening',
      'platform/processes',
      'platform/keepers',
      'platform/gateways',
      'platform/libc',
      'platform/trusted-authorities',
    ],
    mayTypes: ['usecases/ports'],
    node: 'all',
  },
  // Holds what takes one session back, for the provider or the cluster that gave it.
  'revoker': {
    may: [
      'domain',
      'hardening',
      ...['cluster', 'dirs', 'revocations', 'trusted-authorities'].map((name) => `platform/${name}`),
    ],
    mayTypes: ['platform/revoker'],
    node: 'all',
  },
  // Holds no secret, and needs nothing but processes and a terminal's settings.
  'reaper': { may: ['domain', 'protocol', 'hardening', 'platform/processes', 'platform/libc'], node: 'all' },
}

/** Packages and built-ins with a power of their own, and the only places that may reach for it. */
export const powers: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['platform', 'client', 'cli', 'daemon', 'factors/client', 'keeper', 'shim', 'tour'],
  'node:inspector': [],
  'node:vm': [],
  'chokidar': ['platform/file-watch'],
  'dbus-native': ['platform/departures'],
  'age-encryption': ['platform/vault'],
  'better-sqlite3': ['platform/journal'],
  'koffi': ['platform', 'shim'],
  'yaml': ['platform', 'playground', 'cli/cluster'],
  '@xterm/headless': ['screen'],
  'ws': ['playground'],
  'spdy-transport': ['playground'],
  '@peculiar/x509': ['platform'],
  '@clack/prompts': ['cli', 'tour'],
  '@zxcvbn-ts/core': ['cli'],
  '@zxcvbn-ts/language-common': ['cli'],
  'openid-client': ['factors/keeper', 'revoker'],
}

/** @returns whether `place` (`platform/vault/seal.ts`) is in the folder or is the file `allowed` names. */
export function isWithin(place: string, allowed: string): boolean {
  return place === allowed || place === `${allowed}.ts` || place.startsWith(`${allowed}/`)
}

/**
 * Whose rule a file has: that of its folder in src/; in `factors` that of its role, which is its name or its folder's
 * (`factors/keeper.ts`, `factors/NAME/keeper.ts`, `factors/NAME/keeper/…`).
 */
export function areaOf(place: string): string {
  const [folder = '', ...rest] = place.split('/')
  if (folder !== 'factors') return folder
  const role = rest.slice(0, 2).map((name) => `factors/${name.replace(/\.ts$/, '')}`)
  return role.findLast((name) => Object.hasOwn(folderRules, name)) ?? folder
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
  const folder = areaOf(from)
  const rule = folderRules[folder]
  if (rule === undefined) return `src/${folder} has no rule in scripts/import-rules.ts`
  if (ours) return objectionToOurs(rule, folder, target, typeOnly)
  const places = powers[target]
  if (places !== undefined && !places.some((place) => isWithin(from, place) || folder === place)) {
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
  if (isWithin(target, folder) || areaOf(target) === folder) return undefined
  if (rule.never?.some((place) => isWithin(target, place))) return `${folder} never imports ${target}`
  if (rule.may.some((place) => isWithin(target, place) || isRole(folder, target, place))) return undefined
  if (typeOnly && rule.mayTypes?.some((place) => isWithin(target, place))) return undefined
  return `${folder} does not import ${target}`
}

/** Within `factors` a role may reach another one in every factor's folder; from elsewhere only the list of all. */
const isRole = (folder: string, target: string, place: string): boolean =>
  folder.startsWith('factors/') && areaOf(target) === place
