import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, chmodSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { GuardError } from '../domain/errors.ts'
import { dirs, ensurePlaces, places } from '../platform/dirs.ts'
import { runScribe } from '../platform/scribes/run-scribe.ts'
import { writeAdoption } from './adoption-report.ts'
import { countUsers, requestAdoption } from './adoption.ts'
import { missingFolders, noteFolders } from './before.ts'
import { agreed } from './confirm.ts'
import { createMissingVaults } from './create-vaults.ts'
import { nativeFindings } from './doctor/installation-findings.ts'
import { mendNativeParts, nativeParts } from './native-parts.ts'
import { kubeconfigPaths } from './origin.ts'
import { diffLines, say, sayFailure, sayProgress, sayStep } from './output.ts'
import { passphraseSource } from './passphrase.ts'
import { proposePolicyFile } from './propose-policy.ts'
import { whyNotWritable } from './replace-file.ts'
import { installService } from './service/install-service.ts'
import { isInstalled, serviceState } from './service/service-state.ts'
import { notOurs, unitDiff } from './service/unit-files.ts'
import { hookShells, shellsInUse } from './set-up-shell.ts'
import type { Ask } from './set-up-shell.ts'
import { linkIsRight, makeLink, ownLinks, toolLink } from './shims.ts'
import { firstOnPath, foldersOnPath, surveyLines, toolsOnPath, toolsToOffer } from './survey.ts'
import { takeLogInsOver } from './take-log-ins-over.ts'

export interface SetUpOptions {
  readonly kubeconfig: readonly string[]
  readonly yes?: true | undefined
  readonly passphraseFd?: number | undefined
  readonly recoveryKey?: true | undefined
}

/**
 * First-time set-up, in an order in which every step may be the last one: nothing is half done, and a
 * second run goes on where the first ended, and mends what broke since.
 * @throws GuardError what a step refused with; the steps before it stand.
 */
export async function setUp(options: SetUpOptions): Promise<void> {
  const ask: Ask = async (question) =>
    options.yes === true || agreed(question, { withoutTerminal: 'give --yes to take the defaults' })
  const source = await passphraseSource({ passphraseFd: options.passphraseFd, cure: 'run: kubeguard init' })
  sayProgress('looking for kubeconfigs, shells and clients')
  const groups = await findKubeconfigs(options.kubeconfig)
  const paths = groups.flat()
  const inUse = await shellsInUse()
  const startUpFiles = inUse.flatMap(({ files }) => files.map(({ path }) => path))
  for (const line of surveyLines(paths, startUpFiles)) sayStep(`found ${line}`)
  makeFolders()
  buildNativeParts()
  await writePolicyFile(paths, ask)
  await createMissingVaults(source, options.recoveryKey === true)
  linkPlugins()
  await adoptFiles(groups, ask, options.yes !== true)
  await linkShims(ask)
  const byHand = await hookShells(inUse, ask)
  tryShim()
  await offerService(ask)
  for (const { path, line } of byHand)
    say(`${path} ${whyNotWritable(path)}: it is left as it is`, 'put this line at its end yourself:', line)
  say(
    'ready',
    'open a new shell, then: kubectl get pods',
    'unlock: kubeguard unlock   look: kubeguard status   check: kubeguard doctor   undo it all: kubeguard uninstall',
  )
}

/**
 * The files in force, which are one kubeconfig, and each other one of this account that holds what can be adopted;
 * where some are named, those alone.
 */
async function findKubeconfigs(given: readonly string[]): Promise<string[][]> {
  const inForce = kubeconfigPaths(given).filter((path) => existsSync(path))
  if (given.length > 0) return [inForce]
  const { HOME, PATH = '' } = process.env
  const home = HOME !== undefined && isAbsolute(HOME) ? HOME : homedir()
  const { adoptable } = await runScribe({ job: 'audit', paths: inForce, home, searchPath: PATH })
  const others = adoptable.map(({ file }) => file).filter((file) => !inForce.includes(file))
  return [inForce, ...others.map((file) => [file])]
}

function makeFolders(): void {
  const found = dirs()
  const all = [found.config, found.state, found.run, found.data]
  const missing = all.flatMap(missingFolders).filter((path) => !all.includes(path))
  for (const path of closeToOthers()) sayStep(`closed to others: ${path}`)
  ensurePlaces(found)
  noteFolders([...new Set(missing)])
  sayStep(`folders: ${all.join(', ')}`)
}

/** Before what links to them. */
function buildNativeParts(): void {
  if (mendNativeParts()) sayStep('native parts: built')
  for (const { message, cure } of nativeFindings(nativeParts(), firstOnPath('cc', foldersOnPath())))
    say(message, cure)
}

/** What is ours alone and got open to others (a copied home, a careless chmod) is closed again. @returns what was. */
function closeToOthers(): string[] {
  const found = dirs()
  const below = (folder: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
      : []
  const closed: string[] = []
  const closeTo = (bits: number) => (path: string) => {
    const facts = lstatSync(path, { throwIfNoEntry: false })
    if (facts === undefined || facts.isSymbolicLink() || (facts.mode & bits) === 0) return
    if (facts.uid !== process.getuid?.()) return
    chmodSync(path, facts.mode & 0o777 & ~bits)
    closed.push(path)
  }
  const vaults = places.vaults(found)
  const logs = places.log(found)
  const own = [found.state, vaults, ...below(vaults), logs, found.run, places.keepers(found)]
  own.forEach(closeTo(0o077))
  const read = [found.config, places.config(found), found.data, places.shims(found), places.plugins(found)]
  read.forEach(closeTo(0o022))
  return closed
}

async function writePolicyFile(paths: readonly string[], ask: Ask): Promise<void> {
  const path = places.config(dirs())
  if (existsSync(path)) return sayStep(`policy file: ${path} is kept as it is`)
  const proposal = await proposePolicyFile(paths)
  for (const line of proposal.summary) process.stderr.write(`  ${line}\n`)
  if (!(await ask(`write these rules to ${path}?`)))
    return sayStep('policy file: none, the default rules apply')
  await proposal.write(path)
  sayStep(`policy file: ${path}`)
}

/** @param asksOfLogIns whether a log-in fits its provider is for a person to say: who takes the defaults keeps the plugin */
async function adoptFiles(
  groups: readonly (readonly string[])[],
  ask: Ask,
  asksOfLogIns: boolean,
): Promise<void> {
  const there = groups.filter((paths) => paths.length > 0)
  if (there.length === 0) return sayStep('kubeconfig: none found, adopt one later: kubeguard adopt')
  let adoptedBefore = true
  for (const paths of there) {
    let planned = await requestAdoption(paths, [], true)
    if (asksOfLogIns && (await takeLogInsOver(planned.logIns, ask)))
      planned = await requestAdoption(paths, [], true)
    const { length: moving } = planned.toMove
    if (moving > 0)
      sayStep(
        `kubeconfig: the policy of ${countUsers(moving)} has another access by now; run: kubeguard adopt`,
      )
    if (planned.adopted.length === 0) continue
    adoptedBefore = false
    writeAdoption(planned, process.stderr)
    if (!(await ask(`move the secrets of ${countUsers(planned.adopted.length)} into vaults?`))) continue
    const { adopted } = await requestAdoption(paths, [], false)
    sayStep(`kubeconfig: adopted ${countUsers(adopted.length)}`)
  }
  if (adoptedBefore) sayStep('kubeconfig: no secrets left to adopt')
}

/**
 * The credential plugin is what an adopted kubeconfig names: it is no matter of taste, and there before the first one does.
 * Whatever ends an adoption midway, kubectl finds it.
 */
function linkPlugins(): void {
  const plugins = places.plugins(dirs())
  for (const link of ownLinks().filter(({ path }) => path.startsWith(plugins)))
    if (!linkIsRight(link)) makeLink(link)
}

async function linkShims(ask: Ask): Promise<void> {
  const wrong = ownLinks().filter((link) => !linkIsRight(link))
  const shims = places.shims(dirs())
  const isNew = !existsSync(toolLink('kubectl').path)
  if (wrong.length === 0) return sayStep(`shims: ${shims}`)
  if (!(await ask(`put a kubectl that asks before it runs into ${shims}?`))) return
  for (const link of wrong) makeLink(link)
  sayStep(`shims: ${shims}`)
  if (isNew) await offerTools(ask)
}

/** At the first set-up alone: what was declined, or removed since, is not put back by a run that mends. */
async function offerTools(ask: Ask): Promise<void> {
  const tools = toolsToOffer()
  if (tools.length === 0) return
  const names = tools.join(', ')
  const later = 'later: kubeguard shim add NAME'
  if (!(await ask(`have these ask before they run, too: ${names}?`)))
    return sayStep(`other clients: none asks; ${later}`)
  for (const tool of tools) makeLink(toolLink(tool))
  sayStep(`other clients that ask: ${names}; more ${later}`)
}

/**
 * The daemon as a service: where a manager answers, and for the account’s own installation alone. A KUBEGUARD_HOME is a
 * trial, which must not take the account’s service over.
 */
async function offerService(ask: Ask): Promise<void> {
  if ((process.env['KUBEGUARD_HOME'] ?? '') !== '') return
  const state = await serviceState()
  if (!state.hasManager) return sayStep('service: no systemd manager answers, the daemon starts at first use')
  if (isInstalled(state)) return sayStep('service: systemd starts the daemon')
  const kept = state.units.find(notOurs)
  if (kept !== undefined)
    return say(`${kept.path} is not as kubeguard wrote it: it is kept`, 'see how: kubeguard service install')
  for (const unit of state.units)
    process.stderr.write(`${diffLines(unitDiff(unit), process.stderr).join('\n')}\n`)
  if (!(await ask('have systemd start the daemon, and keep its memory out of swap?')))
    return sayStep('service: none, the daemon starts at first use')
  await installService({ replace: false }).catch((error: unknown) => {
    if (!(error instanceof GuardError)) throw error
    say(error.message, error.cure)
  })
}

const tryMs = 10_000

/** A real command that needs no cluster and changes nothing, through the shim. */
function tryShim(): void {
  const shim = join(places.shims(dirs()), 'kubectl')
  if (!existsSync(shim)) return
  if (toolsOnPath('kubectl').length === 0)
    return say('no real kubectl is on PATH', 'install kubectl, then try: kubectl version --client')
  const { status, stderr } = spawnSync(shim, ['version', '--client'], {
    env: { ...process.env, KUBEGUARD_PROMPT: 'never' },
    encoding: 'utf8',
    timeout: tryMs,
  })
  if (status === 0) sayStep('tried: kubectl version --client, through the shim')
  else
    sayFailure(
      `kubectl version --client fails through the shim: ${stderr.split('\n')[0] ?? ''}`,
      'see why: kubeguard doctor',
    )
}
