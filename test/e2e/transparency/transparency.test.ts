import { afterAll, beforeAll, describe, test } from 'vitest'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { argumentCases } from './cases/arguments.ts'
import { callers } from './cases/callers.ts'
import { endings } from './cases/endings.ts'
import { processes } from './cases/processes.ts'
import { streams } from './cases/streams.ts'
import { terminals } from './cases/terminals.ts'
import { checkCase } from './compare.ts'
import { Ground, shims } from './ground.ts'

const groups = {
  endings: endings,
  streams: streams,
  processes: processes,
  arguments: argumentCases,
  callers: callers,
  terminals: terminals,
}

let home: TestHome
let ground: Ground

beforeAll(async () => {
  home = makeHome()
  writePolicy(home, { idle: '1h', lifetime: '2h' })
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  ground = new Ground({ folder: home.root, shims: home.shims, env: home.env, pod: 'web-0' })
  // Discovery is cached from here on, for every side.
  await home.realKubectl(['api-resources'])
})
afterAll(() => home.dispose())

for (const [group, cases] of Object.entries(groups)) {
  describe.each(shims)(`${group}, %s`, (side) => {
    for (const one of cases) test(one.name, () => checkCase(ground, side, one))
  })
}
