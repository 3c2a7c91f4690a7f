import { setTimeout as delay } from 'node:timers/promises'
import { GuardError } from '../domain/errors.ts'
import type { MaterialisedUser } from '../domain/materialised.ts'
import { dirs, places } from '../platform/dirs.ts'
import { editKubeconfig } from '../platform/kubeconfig/edit-kubeconfig.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { shrinkKubeconfig } from '../platform/kubeconfig/overwrite-kubeconfig.ts'
import type { UnmaterialiseJob } from '../platform/scribes/job.ts'
import { readTrace, traceIds, withTraces, writeTrace } from '../platform/traces.ts'
import type { UnmaterialiseReport } from '../protocol/reports.ts'
import { loadFiles } from './load-files.ts'
import type { LoadedFile } from './load-files.ts'
import { Materialised } from './materialised-fields.ts'

const mostRounds = 20

/** How long after our write a kubectl that had read the file before may still write it back (restore.ts). */
const aftermathMs = 250

export interface WipedUsers extends UnmaterialiseReport {
  /** What stays: to be tried again. */
  readonly left: readonly MaterialisedUser[]
}

/** Job `unmaterialise`: takes out what these sessions have put into kubeconfigs; the rest of their traces stays. */
export async function unmaterialise({ traces }: UnmaterialiseJob): Promise<UnmaterialiseReport> {
  const wiped = await forgetMaterialised(traces, () => true)
  return { unmaterialised: wiped.unmaterialised, failures: wiped.failures }
}

/** Takes these credentials out of kubeconfigs and traces, whichever session they are of. */
export async function takeOut(credentials: ReadonlySet<string>): Promise<void> {
  const folder = places.traces(dirs())
  const ids = traceIds(folder).filter((id) =>
    readTrace(folder, id)?.materialised.some(({ credential }) => credentials.has(credential)),
  )
  if (ids.length > 0) await forgetMaterialised(ids, ({ credential }) => credentials.has(credential))
}

function forgetMaterialised(
  ids: readonly string[],
  isMeant: (user: MaterialisedUser) => boolean,
): Promise<WipedUsers> {
  const folder = places.traces(dirs())
  return withTraces(folder, async () => {
    const traces = ids.flatMap((id) => {
      const trace = readTrace(folder, id)
      return trace === undefined ? [] : [{ id, trace }]
    })
    const wiped = await wipeMaterialised(traces.flatMap(({ trace }) => trace.materialised.filter(isMeant)))
    for (const { id, trace } of traces) {
      const stays = trace.materialised.filter((user) => !isMeant(user) || wiped.left.includes(user))
      if (stays.length < trace.materialised.length) writeTrace(folder, id, { ...trace, materialised: stays })
    }
    return wiped
  })
}

/**
 * Takes out of kubeconfigs what was put there, and nothing else: a value that is another by now is for `absorb` to
 * seal. The caller holds the traces (`withTraces`).
 */
export async function wipeMaterialised(users: readonly MaterialisedUser[]): Promise<WipedUsers> {
  const unmaterialised: { user: string; file: string }[] = []
  const failures: string[] = []
  const left: MaterialisedUser[] = []
  for (const [file, group] of Map.groupBy(users, (user) => user.file)) {
    try {
      for (const user of await wipeFile(file, group)) unmaterialised.push({ user, file })
    } catch (error) {
      if (!(error instanceof GuardError)) throw error
      const names = [...new Set(group.map(({ user }) => user))].join(', ')
      failures.push(`${file} still holds the credential of ${names}: ${error.message}`)
      left.push(...group)
    }
  }
  return { unmaterialised, failures, left }
}

/** @returns the users that it was taken from */
async function wipeFile(file: string, known: readonly MaterialisedUser[]): Promise<ReadonlySet<string>> {
  const paths = [...new Set([...known.map(({ path }) => path), file])]
  const materialised = new Materialised(known)
  const wiped = new Set<string>()
  let wroteAt = Number.NEGATIVE_INFINITY
  for (let round = 0; round < mostRounds; round += 1) {
    const edited = (await loadFiles(paths)).map((found) => ({
      found,
      edits: wipingEdits(found, materialised),
    }))
    const wanted = edited.filter(({ edits }) => edits.length > 0)
    if (wanted.length === 0 && performance.now() - wroteAt > aftermathMs) return wiped
    if (wanted.length === 0) await delay(aftermathMs)
    for (const { found, edits } of wanted) {
      if (!(await shrinkKubeconfig(found.snapshot, editKubeconfig(found.config, edits)))) continue
      wroteAt = performance.now()
      for (const { user } of edits) wiped.add(user.name)
    }
  }
  throw new GuardError('kubeconfig-busy', 'it keeps changing')
}

type FieldsEdit = Extract<Edit, { edit: 'fields' }>

/** An entry that lost ours, as a tool that writes users anew leaves it, is given it back. */
function wipingEdits({ config }: LoadedFile, materialised: Materialised): FieldsEdit[] {
  return config.users.flatMap((user): FieldsEdit[] => {
    const found = materialised.fieldsOf(config, user)
    const [owner] = found.values()
    if (owner === undefined) return []
    const add = user.fields.has('exec') ? {} : { exec: owner.exec }
    return [{ edit: 'fields', user, remove: [...found.keys()], add }]
  })
}
