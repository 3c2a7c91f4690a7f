import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import { dirs, ensurePlaces, places } from '../../platform/dirs.ts'
import { nativePath } from '../../platform/install.ts'
import { hookState, shellOf } from '../shell-hook.ts'
import { linkIsRight, ownLinks } from '../shims.ts'
import { note, problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What can be seen in files and in the environment, without the daemon. */
export function installationFindings(): Finding[] {
  const found = dirs()
  if (!existsSync(found.state))
    return [problem('kubeguard is not set up for this account', 'run: kubeguard init')]
  return [
    ...placeFindings(),
    ...vaultFindings(places.vaults(found)),
    ...nativeFindings(),
    ...linkFindings(),
    ...pathFindings(places.shims(found)),
    ...kubercFindings(join(places.plugins(found), 'kubeguard-credential')),
  ]
}

function placeFindings(): Finding[] {
  try {
    ensurePlaces(dirs())
    return []
  } catch (error) {
    if (error instanceof GuardError) return [problem(error.message, error.cure)]
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
      problem(`${path} is open to other users`, `run: chmod ${facts?.isDirectory() ? 700 : 600} ${path}`),
    )
}

function nativeFindings(): Finding[] {
  if (existsSync(nativePath())) return []
  return [
    note(
      'the native shim and plugin are not built: each command takes longer',
      'install a C compiler (cc), then run: npm run build',
    ),
  ]
}

function linkFindings(): Finding[] {
  return ownLinks()
    .filter((link) => !linkIsRight(link))
    .map(({ path, target }) => problem(`${path} does not lead to ${target}`, 'run: kubeguard init'))
}

/** The shim must be met before any other kubectl, and there must be a real one behind it. */
function pathFindings(shims: string): Finding[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute)
  const kubectls = folders.map((folder) => join(folder, 'kubectl')).filter(isExecutable)
  const own = new Set(ownLinks().map(({ target }) => realOf(target)))
  const findings: Finding[] = []
  if (!kubectls.some((path) => !own.has(realOf(path)))) {
    findings.push(problem('no real kubectl is on PATH', 'install kubectl, or put it on PATH'))
  }
  if (kubectls[0] !== join(shims, 'kubectl')) findings.push(notFirst(folders.includes(shims), kubectls[0]))
  return findings
}

function notFirst(onPath: boolean, first: string | undefined): Finding {
  const shell = shellOf()
  const what = onPath ? `the shims are on PATH, but after ${first ?? 'nothing'}` : 'the shims are not on PATH'
  if (shell === undefined)
    return problem(what, 'put the shims’ folder first on PATH in your shell’s start-up file')
  if (hookState(shell) === 'present')
    return problem(what, 'open a new shell; let no later line of its start-up file put other folders first')
  return problem(
    what,
    `run: kubeguard init, or put this into your start-up file: eval "$(kubeguard shell ${shell})"`,
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
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
      `${path} forbids our credential plugin (credentialPluginPolicy: ${policy})`,
      `set it to Allowlist, with the entry: name: ${plugin}`,
    ),
  ]
}
