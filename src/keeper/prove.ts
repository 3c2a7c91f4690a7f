import { GuardError } from '../domain/errors.ts'
import type { FactorSettings } from '../domain/factor.ts'
import { keeperFactor } from '../factors/keeper.ts'
import type { Dialogue } from './dialogue.ts'
import type { Opening, Proving } from './factor.ts'

/**
 * Has every factor proven, the one that opens first. What it opened is of no use before the last one is.
 *
 * @param unlock as the rules have it: src/domain/policy-unlock.ts
 * @throws GuardError what a factor refuses with; internal where none opens
 */
export async function prove(
  unlock: readonly FactorSettings[],
  proving: Omit<Proving, 'ask'>,
  dialogue: Pick<Dialogue, 'ask'>,
): Promise<Opening> {
  let opened: Opening | undefined
  for (const settings of unlock) {
    const { factor } = settings
    const half = await keeperFactor(factor)
    if (half === undefined) throw new GuardError('internal', `the keeper does not know the factor ${factor}`)
    const ask: Proving['ask'] = (question, withinMs) => dialogue.ask(factor, question, withinMs)
    const opening = await half.prove(settings, { ...proving, ask })
    opened ??= opening
  }
  if (opened === undefined) throw new GuardError('internal', 'no factor opens this policy')
  return opened
}
