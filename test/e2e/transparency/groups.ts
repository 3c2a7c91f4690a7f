import { describe, test } from 'vitest'
import { argumentCases } from './cases/arguments.ts'
import { callers } from './cases/callers.ts'
import { endings } from './cases/endings.ts'
import { processes } from './cases/processes.ts'
import { streams } from './cases/streams.ts'
import { terminals } from './cases/terminals.ts'
import { checkCase } from './compare.ts'
import { shims } from './ground.ts'
import type { Ground } from './ground.ts'

const groups = { endings, streams, processes, arguments: argumentCases, callers, terminals }

/** Every case through every shim, on a ground that is there once the tests run: of the playground or of any cluster. */
export function compareAll(ground: () => Ground): void {
  for (const [group, cases] of Object.entries(groups)) {
    describe.each(shims)(`${group}, %s`, (side) => {
      for (const one of cases) test(one.name, () => checkCase(ground(), side, one))
    })
  }
}
