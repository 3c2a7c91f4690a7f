import type { AdoptedUser, AdoptReport, LeftUser, MovingUser } from '../protocol/reports.ts'
import { clean } from './clean-text.ts'
import { formatTimestamp } from './duration.ts'
import { diffLines } from './output.ts'
import { table } from './table.ts'

/** Writes to a stream: the diff, what is adopted at which strength, what stays and why, and the advice. */
export function writeAdoption(report: AdoptReport, stream: NodeJS.WriteStream): void {
  stream.write(
    adoptionLines(report, stream)
      .map((line) => `${line}\n`)
      .join(''),
  )
}

function adoptionLines(report: AdoptReport, stream: NodeJS.WriteStream): string[] {
  const { adopted, left } = report
  const head = ['user', 'file', 'policy', 'kind', 'strength', 'ends']
  const advice = new Set(
    [...adopted, ...left].flatMap((user) => user.advice.map((text) => `${user.user}: ${text}`)),
  )
  return [
    ...(report.dryRun && report.diff !== '' ? diffLines(report.diff, stream) : []),
    ...(adopted.length > 0 ? table(head, adopted.map(adoptedRow)) : []),
    ...left.filter((user) => !isMoving(report.toMove, user)).map(leftLine),
    ...report.toMove.map(movingLine),
    ...[...advice].map((text) => `advice: ${clean(text)}`),
  ]
}

function adoptedRow(user: AdoptedUser): string[] {
  const ends = user.expiresAtMs === undefined ? '' : formatTimestamp(user.expiresAtMs)
  const strength =
    user.sources === undefined ? user.strength : `${user.strength} from ${clean(user.sources.join(', '))}`
  return [clean(user.user), clean(user.file), user.policy, user.kind, strength, ends]
}

const reasons: Readonly<Record<LeftUser['because'], string>> = {
  'already': 'guarded already',
  'exec': 'unguarded: has an exec plugin that can’t be wrapped',
  'basic': 'unguarded: basic auth can’t be given by a plugin',
  'auth-provider': 'unguarded: has an auth provider',
  'given': 'unguarded: its policy takes what a log-in gives, and no credential of others',
  'none': 'holds no secret',
}

const isMoving = (moving: readonly MovingUser[], { user, file }: LeftUser): boolean =>
  moving.some((one) => one.user === user && one.file === file)

/** Where it will be sent is for a person to see: the kubeconfig says so, and others may have written it. */
function movingLine({ user, file, policy, access, servers }: MovingUser): string {
  const way =
    access === 'gateway' ? `behind the gateway of ${policy}` : `out from behind the gateway of ${policy}`
  return `${clean(user)} (${clean(file)}): adopted already, to go ${way}, for ${clean(servers.join(', '))}`
}

function leftLine(user: LeftUser): string {
  return `${clean(user.user)} (${clean(user.file)}): ${reasons[user.because]}`
}
