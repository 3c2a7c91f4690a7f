import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import { dirs, ensurePlaces, places } from '../../platform/dirs.ts'
import { areForAnotherLibrary, howToBuild, nativeParts } from '../native-parts.ts'
import { linkIsRight, ownLinks, shimmedTools } from '../shims.ts'
import { firstOnPath, foldersOnPath, foundBeforeShims, toolsOnPath } from '../survey.ts'
import { note, problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What can be seen in files and in the environment, without the daemon. */
export function installationFindings(): Finding[] {
  const found = dirs()
  if (!existsSync(found.state))
    return [problem('not-set-up', 'kubeguard is not set up for this account', 'run: kubeguard init')]
  return [
    ...placeFindings(),
    ...vaultFindings(places.vaults(found)),
    ...configFindings(places.config(found)),
    ...nativeFindings(nativeParts(), firstOnPath('cc', foldersOnPath())),
    ...libraryFindings(),
    ...linkFindings(),
    ...kubectlFindings(),
    ...toolFindings(),
    ...ownPathFindings(),
    ...kubercFindings(join(places.plugins(found), 'kubeguard-credential')),
  ]
}

function placeFindings(): Finding[] {
  try {
    ensurePlaces(dirs())
    return []
  } catch (error) {
    if (error instanceof GuardError) return [problem('place-unsafe', error.message, error.cure)]
    throw error
  }
}

/** Every folder and file of a vault is for its owner alone. */
function vaultFindings(vaults: string): Finding[] {
  if (!existsSync(vaults)) return []
  const entries = readdirSync(vaults, { recursive: true, encoding: 'utf8' }).map((name) => join(vaults, name))
  return entries
    .map((path) => ({ path, facts: lstatSync(path, { throwIfNoEntry: false }) }))
    .filter(({ facts }) => facts !== undefined && (facts.mode & 0o077) !== 0 && !facts.isSymbolicLink())
    .map(({ path, facts }) =>
      problem(
        'open-to-others',
        `${path} is open to other users`,
        `run: chmod ${facts?.isDirectory() ? 700 : 600} ${path}`,
      ),
    )
}

/** Whoever can write the rules sets the limits. */
function configFindings(path: string): Finding[] {
  const facts = lstatSync(path, { throwIfNoEntry: false })
  if (facts === undefined || facts.isSymbolicLink() || (facts.mode & 0o022) === 0) return []
  return [problem('open-to-others', `${path} can be written by other users`, `run: chmod 600 ${path}`)]
}

/** Without them Node does the same, more slowly; bash and fish do without kubeguard-watch, streams without a supervisor. */
export function nativeFindings(wanted: readonly string[], compiler: string | undefined): Finding[] {
  const missing = wanted.filter((path) => !existsSync(path)).map((path) => basename(path))
  if (missing.length === 0) return []
  const replaced = missing.filter((name) => !name.endsWith('supervisor'))
  const names = replaced.map((name) => (name.endsWith('reaper') ? 'the reaper' : 'shim, plugin and watch'))
  const parts = [
    ...(replaced.length === 0 ? [] : [`${names.join(', ')}: the slower fallback is in use`]),
    ...(replaced.length === missing.length
      ? []
      : ['no supervisor: a lock ends kubectl exec -it without a word']),
  ]
  const what = parts.join('; ')
  return compiler === undefined
    ? [note('no-native', `${what}, for there is no C compiler`, `install one (cc), then ${howToBuild()}`)]
    : [note('no-native', `${what}, for they were not built`, howToBuild())]
}

/** A package brings some that were made elsewhere. */
function libraryFindings(): Finding[] {
  if (!areForAnotherLibrary()) return []
  const message = 'the native parts need a newer C library than this machine has'
  return [problem('no-native', message, `install a C compiler (cc), then ${howToBuild()}`)]
}

function linkFindings(): Finding[] {
  return ownLinks()
    .filter((link) => !linkIsRight(link))
    .map(({ path, target }) =>
      problem('link-broken', `${path} does not lead to ${target}`, 'run: kubeguard init'),
    )
}

/** Which kubectl stands behind the shim, and whether it is one itself. */
function kubectlFindings(): Finding[] {
  const [real] = toolsOnPath('kubectl')
  if (real === undefined)
    return [problem('no-kubectl', 'no real kubectl is on PATH', 'install it, or put it on PATH')]
  if (real.dispatcher === undefined) return []
  return [
    note(
      'kubectl-dispatcher',
      `the kubectl on PATH, ${real.path}, only stands in for it (${real.dispatcher})`,
      'nothing to do where it works: the shim comes first, and goes on to the next one should it be met again',
    ),
  ]
}

/** A shim whose tool was removed: it is found, and can run nothing. */
function toolFindings(): Finding[] {
  return shimmedTools()
    .filter((tool) => toolsOnPath(tool).length === 0)
    .map((tool) =>
      note('tool-missing', `${tool} has a shim, but is not on PATH`, `run: kubeguard shim remove ${tool}`),
    )
}

/** PATH as it is here and now; shells are asked by themselves. */
function ownPathFindings(): Finding[] {
  const folders = foldersOnPath()
  const before = foundBeforeShims(folders)
  if (before.length === 0) return []
  const message = folders.includes(places.shims(dirs()))
    ? `the shims are on PATH, but after ${before.join(', ')}`
    : 'the shims are not on PATH'
  return [problem('shim-not-first', message, 'open a new shell; where that does not help: kubeguard init')]
}

/** kubectl 1.35 and later may be told which plugins it may run (credentialPluginPolicy of kuberc). */
function kubercFindings(plugin: string): Finding[] {
  const path = process.env['KUBERC'] || join(process.env['HOME'] || homedir(), '.kube', 'kuberc')
  const text = path === 'off' || !existsSync(path) ? '' : readFileSync(path, 'utf8')
  const policy = /^[ \t]*"?credentialPluginPolicy"?[ \t]*:[ \t]*["']?(\w+)/m.exec(text)?.[1]
  const allowed =
    policy === undefined || policy === 'AllowAll' || (policy === 'Allowlist' && text.includes(plugin))
  if (allowed) return []
  return [
    problem(
      'plugin-forbidden',
      `${path} forbids our credential plugin (credentialPluginPolicy: ${policy})`,
      `set it to Allowlist, with the entry: name: ${plugin}`,
    ),
  ]
}
