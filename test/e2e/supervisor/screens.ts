import { readFileSync } from 'node:fs'
import type { Screen } from '../../fixtures/screen.ts'
import { until } from '../../fixtures/terminal.ts'

/** The processes that know what is on a screen: children of this supervisor. */
export const screensOf = (supervisor: number): number[] =>
  childrenOf(supervisor).filter((pid) => commandOf(pid).startsWith('kubeguard-screen'))

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return children === '' ? [] : children.split(' ').map(Number)
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

/** What is on it once nothing comes any more. */
export async function settled(screen: Screen): Promise<string> {
  let [last, since] = [screen.state, performance.now()]
  await until('a screen that stands still', () => {
    const { state } = screen
    if (state !== last) [last, since] = [state, performance.now()]
    return performance.now() - since > 500
  })
  return last
}
