import { existsSync } from 'node:fs'
import { dirs, ensurePlaces, places } from '../platform/dirs.ts'
import { writeAdoption } from './adoption-report.ts'
import { countUsers, requestAdoption } from './adoption.ts'
import { agreed } from './confirm.ts'
import { kubeconfigPaths } from './origin.ts'
import { say, sayStep } from './output.ts'
import { passphraseSource } from './passphrase.ts'
import { proposePolicyFile } from './propose-policy.ts'
import { addHook, hookState, shellOf, startUpFile } from './shell-hook.ts'
import { linkIsRight, makeLink, ownLinks } from './shims.ts'
import { createMissingVaults } from './create-vaults.ts'

export interface SetUpOptions {
  readonly kubeconfig: readonly string[]
  readonly yes?: true | undefined
  readonly passphraseFd?: number | undefined
}

/** Asks before a change, unless `--yes` took the defaults. @returns whether to make it. */
type Ask = (question: string) => Promise<boolean>

/**
 * First-time set-up, in an order in which every step may be the last one: nothing is half done, and a
 * second run goes on where the first ended.
 * @throws GuardError what a step refused with; the steps before it stand.
 */
export async function setUp(options: SetUpOptions): Promise<void> {
  const ask: Ask = async (question) =>
    options.yes === true || agreed(question, { withoutTerminal: 'give --yes to take the defaults' })
  const source = await passphraseSource({ passphraseFd: options.passphraseFd, cure: 'run: kubeguard init' })
  const paths = kubeconfigPaths(options.kubeconfig).filter((path) => existsSync(path))
  makeFolders()
  await writePolicyFile(paths, ask)
  await createMissingVaults(source)
  await adoptFiles(paths, ask)
  await linkShims(ask)
  await hookShell(ask)
  say('ready', 'unlock: kubeguard unlock   look: kubeguard status   undo it all: kubeguard uninstall')
}

function makeFolders(): void {
  const found = dirs()
  ensurePlaces(found)
  sayStep(`folders: ${found.config}, ${found.state}, ${found.run}, ${found.data}`)
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

async function adoptFiles(paths: readonly string[], ask: Ask): Promise<void> {
  if (paths.length === 0) return sayStep('kubeconfig: none found, adopt one later: kubeguard adopt')
  const planned = await requestAdoption(paths, [], true)
  if (planned.adopted.length === 0) return sayStep('kubeconfig: no secrets left to adopt')
  writeAdoption(planned, process.stderr)
  if (!(await ask(`move the secrets of ${countUsers(planned.adopted.length)} into vaults?`))) return
  const { adopted } = await requestAdoption(paths, [], false)
  sayStep(`kubeconfig: adopted ${countUsers(adopted.length)}`)
}

async function linkShims(ask: Ask): Promise<void> {
  const wrong = ownLinks().filter((link) => !linkIsRight(link))
  const shims = places.shims(dirs())
  if (wrong.length === 0) return sayStep(`shims: ${shims}`)
  // The credential plugin is what an adopted kubeconfig names: it is no matter of taste.
  for (const link of wrong.filter(({ path }) => !path.startsWith(shims))) makeLink(link)
  if (!(await ask(`put a kubectl that asks before it runs into ${shims}?`))) return
  for (const link of wrong) makeLink(link)
  sayStep(`shims: ${shims}`)
}

async function hookShell(ask: Ask): Promise<void> {
  const shell = shellOf()
  if (shell === undefined) return sayStep('shell: no hook for yours, put the shims first on PATH yourself')
  const path = startUpFile(shell)
  if (hookState(shell, path) === 'present') return sayStep(`shell: the hook is in ${path}`)
  if (!(await ask(`put the shims first on PATH, by a line in ${path}?`))) return
  addHook(shell, path)
  sayStep(`shell: a line in ${path}; it counts in new shells`)
}
