import type { ProcessTable } from '../../usecases/ports.ts'
import { ancestryOf, argsOf, inspectProcess, isAlive, isCompletion, lineageOf } from './inspect.ts'

/** The processes of this machine, as /proc shows them. */
export function createProcessTable(): ProcessTable {
  return {
    inspect: inspectProcess,
    ancestry: ancestryOf,
    lineage: lineageOf,
    isAlive,
    isCompletion,
    args: argsOf,
  }
}
