import { join } from 'node:path'
import { GuardError } from '../domain/errors.ts'
import { dirs, places } from '../platform/dirs.ts'
import { editedKubeconfig } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { unifiedDiff } from '../domain/line-diff.ts'
import { maskSecrets } from '../platform/kubeconfig/mask-secrets.ts'
import { outlineOf } from '../platform/kubeconfig/outline-kubeconfig.ts'
import { parseKubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { replaceKubeconfig } from '../platform/kubeconfig/replace-kubeconfig.ts'
import type { AdoptJob } from '../platform/scribes/job.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { AdoptedUser, AdoptReport } from '../protocol/reports.ts'
import type { Adoption, Outline } from '../usecases/ports.ts'
import { clearComments } from './clear-comments.ts'
import { Leftovers, secretTexts } from './find-leftovers.ts'
import { findTexts } from './find-texts.ts'
import { gatewaysOf } from './gateways.ts'
import { loadFiles } from './load-files.ts'
import type { LoadedFile } from './load-files.ts'
import { allMaterialised, Materialised } from './materialised-fields.ts'
import { keepBeforeWriting, noteKubeconfigs } from './keep-before-writing.ts'
import { planAdoption } from './plan-adoption.ts'
import type { AdoptionPlan } from './adoption-plan.ts'
import { distinct, editsOf } from './plan-moves.ts'
import { wipeLogIns } from './take-log-in-over.ts'
import type { Wiped } from './wipe-caches.ts'

/** Rounds: each begins anew because a file was changed by someone else, or has another step to make. */
export const mostRounds = 20

/**
 * Job `adopt`: moves secrets of kubeconfig users into vaults. Every secret is sealed durably before a file
 * is touched, and a file is replaced whole; so a kill at any moment loses nothing, and running it again
 * goes on where it stopped.
 *
 * @throws GuardError kubeconfig-invalid, kubeconfig-busy, usage and what sealing throws
 */
export async function adopt(job: AdoptJob): Promise<Adoption> {
  const vaultsDir = places.vaults(dirs())
  const progress = new Progress(job)
  const written = new Map<string, Kubeconfig>()
  const gateways = await gatewaysOf(job.policies, vaultsDir, job)
  for (let round = 0; round < mostRounds; round += 1) {
    const files = await loadFiles(job.paths, written)
    if (round === 0) requireKnownUsers(job, files)
    const plan = planAdoption(files, job, Date.now(), {
      materialised: new Materialised(allMaterialised()),
      gateways,
      isWrapped: wrappedIn(vaultsDir),
    })
    const changes = changesOf(plan)
    const missing = missingVaults(plan, vaultsDir)
    const isHeldBack = round === 0 && job.unlessLogIns === true && plan.logIns.length > 0
    if (job.dryRun || isHeldBack || missing.length > 0 || changes.length === 0) {
      const shown = job.dryRun ? changesOf(withMoves(plan)) : []
      return { report: progress.report(plan, shown, missing), outlines: files.map(outlineOfFile) }
    }
    noteKubeconfigs(changes.map(({ file }) => file))
    await keepBeforeWriting(vaultsDir, plan)
    for (const change of changes) {
      if (!(await replaceKubeconfig(change.file.snapshot, change.text))) break
      written.set(change.file.snapshot.real, change.edited)
      progress.done(plan, change)
      progress.wiped(
        wipeLogIns(
          plan.replaced.filter(({ inFile }) => inFile === change.file),
          job.paths,
        ),
      )
    }
  }
  throw new GuardError('kubeconfig-busy', 'a kubeconfig keeps changing', {
    cure: 'wait until the program that writes it is done, then try again',
  })
}

const outlineOfFile = ({ config, snapshot }: LoadedFile): Outline => outlineOf(config, snapshot.real)

export interface Change {
  readonly file: LoadedFile
  readonly text: string
  readonly edited: Kubeconfig
}

/** What an adopted user is, only its vault’s catalogue says. */
function wrappedIn(vaultsDir: string): (ours: { policy: string; credential: string }) => boolean {
  const { entries } = createVaultCatalogue(vaultsDir)
  return ({ policy, credential }) =>
    entries(policy).some(({ id, kind }) => id === credential && kind === 'exec-plugin')
}

/** What the passphrase will change is shown with what is changed without. */
function withMoves(plan: AdoptionPlan): AdoptionPlan {
  const edits = new Map(plan.edits)
  for (const [file, moves] of Map.groupBy(plan.moves, (one) => one.file)) {
    const ways = moves.map(({ way }) => way)
    edits.set(file, distinct([...(edits.get(file) ?? []), ...editsOf(file, ways)]))
  }
  return { ...plan, edits }
}

export function changesOf(plan: AdoptionPlan): Change[] {
  return [...plan.edits].map(([file, edits]) => {
    const edited = editedKubeconfig(file.config, edits)
    const text = clearComments(edited.path, edited.text, plan.items)
    return { file, text, edited: text === edited.text ? edited : parseKubeconfig(edited.path, text) }
  })
}

function missingVaults(plan: AdoptionPlan, vaultsDir: string): string[] {
  const vaults = createVaultCatalogue(vaultsDir)
  const needed = new Set(plan.items.map(({ policy }) => policy))
  return [...needed].filter((policy) => !vaults.has(policy))
}

function requireKnownUsers(job: AdoptJob, files: readonly LoadedFile[]): void {
  const known = new Set(files.flatMap(({ config }) => config.users.map(({ name }) => name)))
  const unknown = job.users.find((name) => !known.has(name))
  if (unknown === undefined) return
  throw new GuardError('usage', `no kubeconfig has a user ${unknown}`, {
    cure: 'see the names: kubectl config get-users',
  })
}

/** What earlier rounds did, and the text that each file had at first. */
class Progress {
  readonly #job: AdoptJob
  readonly #adopted: AdoptedUser[] = []
  readonly #diffs = new Map<string, string>()
  readonly #wiped: string[] = []
  readonly #notWiped = new Set<string>()

  constructor(job: AdoptJob) {
    this.#job = job
  }

  done(plan: AdoptionPlan, change: Change): void {
    this.#adopted.push(...adoptedBy(plan, [change]))
    this.#addDiff(plan, change)
  }

  wiped({ files, failures }: Wiped): void {
    this.#wiped.push(...files)
    for (const failure of failures) this.#notWiped.add(failure)
  }

  report(plan: AdoptionPlan, changes: readonly Change[], missingVaults: readonly string[]): AdoptReport {
    for (const change of changes) this.#addDiff(plan, change)
    const adopted = [...this.#adopted, ...adoptedBy(plan, changes)]
    const now = new Set(adopted.map(({ file, user }) => join(file, user)))
    return {
      dryRun: this.#job.dryRun,
      adopted,
      left: plan.left.filter(({ file, user }) => !now.has(join(file, user))),
      logIns: plan.logIns,
      toMove: plan.moves.map(({ report }) => report),
      wiped: this.#wiped.slice(0, mostNamed),
      notWiped: [...this.#notWiped],
      diff: shortened([...this.#diffs.values()].join('')),
      missingVaults,
    }
  }

  #addDiff(plan: AdoptionPlan, { file, edited }: Change): void {
    const { path } = file.config
    const diff = unifiedDiff(path, maskSecrets(file.config), maskSecrets(edited))
    // A comment beside a user may repeat its token.
    const masked = withoutSecrets(diff, plan.items)
    this.#diffs.set(path, (this.#diffs.get(path) ?? '') + masked)
  }
}

/** A report has to fit a message (protocol/limits.ts, jsonBytes). */
const mostNamed = 1_000
const mostDiff = 1024 * 1024

function shortened(diff: string): string {
  if (diff.length <= mostDiff) return diff
  return `${diff.slice(0, diff.lastIndexOf('\n', mostDiff))}\n# the rest is left out: more than 1 MiB differs\n`
}

function withoutSecrets(text: string, items: readonly VaultItem[]): string {
  const secrets = items.flatMap(secretTexts).map(({ secret }) => secret)
  return [...findTexts(text, secrets).keys()].reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
}

function adoptedBy(plan: AdoptionPlan, changes: readonly Change[]): AdoptedUser[] {
  const leftovers = new Leftovers(plan.items, changes)
  const changed = new Set(changes.map(({ file }) => file))
  return plan.adopted
    .filter(({ file }) => changed.has(file))
    .map(({ report, item }) => ({
      ...report,
      advice: [...report.advice, ...(item === undefined ? [] : leftovers.adviceOn(item))],
    }))
}
