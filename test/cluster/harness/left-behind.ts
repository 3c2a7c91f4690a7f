import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../../fixtures/terminal.ts'

const prefix = 'kg-cluster-'
const cgroups = '/sys/fs/cgroup'
/** In the environment of each program of a cluster; the value is its folder. */
export const markName = 'KUBEGUARD_TEST_CLUSTER'

/**
 * @returns when the process began, in clock ticks: with the pid it names one process (proc(5)); undefined where there
 * is none, or one that has ended and was not waited for.
 */
function beganAt(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')
    return fields?.[0] === 'Z' ? undefined : fields?.[19]
  } catch {
    return undefined
  }
}

/** Notes that this folder is in use as long as this process lives. */
export function ownRun(folder: string): void {
  writeFileSync(join(folder, 'owner'), `${process.pid} ${beganAt(process.pid)}`)
}

/** A folder without a note was just made. */
function isOwned(folder: string): boolean {
  const note = join(folder, 'owner')
  if (!existsSync(note)) return true
  const [pid, began] = readFileSync(note, 'utf8').split(' ')
  return beganAt(Number(pid)) === began
}

/**
 * Removes what clusters leave whose owner is gone, or the one in `only`: processes, cgroups, the folder. Mounts,
 * network namespaces and the bridge were in the node's own namespaces, and went with its first process.
 */
export async function sweepLeftBehind(only?: string): Promise<void> {
  const found = readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))
  const abandoned = found.map((name) => join(tmpdir(), name)).filter((folder) => !isOwned(folder))
  for (const folder of only === undefined ? abandoned : [only]) {
    await until(`the end of what runs in ${folder}`, () => {
      const left = processesOf(folder)
      left.forEach(endQuietly)
      return left.length === 0
    })
    for (const tree of cgroupsOf(folder)) await until(`${tree} to be empty`, () => isRemoved(tree))
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns pids of the programs of the cluster in this folder; pods have no mark. */
export function processesOf(folder: string): number[] {
  const mark = `${markName}=${folder}`
  const isMarked = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark)
    } catch {
      return false
    }
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && isMarked(entry))
    .map(Number)
}

/** runc names the cgroup of a container after it, in every hierarchy; containerd has a folder for each that runs. */
function cgroupsOf(folder: string): string[] {
  const tasks = join(folder, 'containerd', 'io.containerd.runtime.v2.task', 'k8s.io')
  const hierarchies = existsSync(cgroups) ? ['', ...readdirSync(cgroups)] : []
  return (existsSync(tasks) ? readdirSync(tasks) : []).flatMap((id) =>
    hierarchies.map((hierarchy) => join(cgroups, hierarchy, 'k8s.io', id)),
  )
}

/** A cgroup can be removed a moment after its last process is gone (EBUSY until then). */
function isRemoved(cgroup: string): boolean {
  try {
    rmdirSync(cgroup)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EBUSY'
  }
  return true
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
