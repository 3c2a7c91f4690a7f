import { check } from './check.ts'
import { faults, operations, suits } from './matrix.ts'
import type { Fault } from './matrix.ts'
import type { Stage } from './stage.ts'

/** One point of one operation, with one fault. */
export interface Case {
  readonly operation: string
  readonly program: string
  readonly fault: Fault
  readonly nth: number
}

export interface Outcome extends Case {
  readonly where: string
  /** Whether the fault met its program; a point can be one less in another run. */
  readonly met: boolean
  readonly wrong: readonly string[]
}

/** How many points each program has in a run without a fault. */
export async function countPoints(
  stage: Stage,
  operation: string,
): Promise<{ program: string; points: Readonly<Record<Fault, number>> }[]> {
  const what = operationOf(operation)
  await stage.begin(what)
  const { calls } = await stage.run(what, '', 'count', 0)
  const count = (name: string, fault: Fault): number =>
    calls.filter(({ program, kinds }) => program === name && (kinds & suits[fault]) !== 0).length
  return what.programs.map((program) => ({ program, points: forEachFault((fault) => count(program, fault)) }))
}

export async function tryCase(stage: Stage, { operation, program, fault, nth }: Case): Promise<Outcome> {
  const what = operationOf(operation)
  const one = { operation, program, fault, nth }
  await stage.begin(what)
  try {
    const hit = await stage.run(what, program, fault, nth)
    const wrong = await check(stage, what, hit)
    return { ...one, where: hit.where, met: hit.pid !== 0, wrong }
  } catch (error) {
    return { ...one, where: '', met: true, wrong: [String(error)] }
  }
}

export const forEachFault = <Value>(value: (fault: Fault) => Value): Record<Fault, Value> =>
  Object.fromEntries((Object.keys(faults) as Fault[]).map((fault) => [fault, value(fault)])) as Record<
    Fault,
    Value
  >

function operationOf(name: string): (typeof operations)[string] {
  const found = operations[name]
  if (found === undefined) throw new Error(`no operation ${name}`)
  return found
}
