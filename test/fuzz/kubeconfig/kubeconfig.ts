import fc from 'fast-check'
import { hold } from '../target.ts'
import type { Target } from '../target.ts'
import { Fuzzer } from './round.ts'
import { kubeconfigText } from './texts.ts'

/** One text of so many is shown to kubectl as well. */
const kubectlEvery = 10

export const kubeconfig: Target = {
  name: 'kubeconfig',
  about: 'kubeconfigs nobody would write: parse, edit, write, and ask kubectl',
  shortRuns: 150,
  async run(effort) {
    using fuzzer = new Fuzzer()
    const draw = fc.nat({ max: kubectlEvery - 1 })
    await hold(
      fc.asyncProperty(kubeconfigText, draw, (text, drawn) => fuzzer.round(text, drawn === 0)),
      effort,
    )
    return { ...fuzzer.counts }
  },
}
