import type { ProcessTable } from '../../usecases/ports.ts'
import {
  ancestryOf,
  argsOf,
  executablePath,
  inspectProcess,
  isAlive,
  isCompletion,
  lineageOf,
} from './inspect.ts'

/** The processes of this machine, as /proc shows them. */
export function createProcessTable(): ProcessTable {
  return {
    inspect: inspectProcess,
    ancestry: ancestryOf,
    lineage: lineageOf,
    isAlive,
    isCompletion,
    executable: executablePath,
    args: argsOf,
  }
}
