import { findHolder } from '../domain/holder.ts'
import type { Ancestor } from '../domain/holder.ts'
import { ancestryOf } from '../platform/processes/inspect.ts'
import { readProcStat } from '../platform/processes/proc-stat.ts'

/**
 * Which client will hold what this plugin is given; undefined where the daemon would refuse, too. The plugin's own
 * executable is not looked at: it has shut itself in, and its name says nothing.
 */
export function holderOf(pluginPid: number): Ancestor | undefined {
  const plugin = readProcStat(pluginPid)
  if (plugin === undefined) return undefined
  const found = findHolder(ancestryOf({ ...plugin, program: '' }))
  return 'holder' in found ? found.holder : undefined
}
