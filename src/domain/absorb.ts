/** What is done with a secret that another program writes into an adopted kubeconfig. From lax to strict. */
export const absorbChoices = ['off', 'warn', 'auto'] as const
export type Absorb = (typeof absorbChoices)[number]

/** The strictest of several. */
export function strictestAbsorb(choices: readonly Absorb[]): Absorb {
  return absorbChoices.findLast((choice) => choices.includes(choice)) ?? 'auto'
}
