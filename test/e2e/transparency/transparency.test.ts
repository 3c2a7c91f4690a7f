import { afterAll, beforeAll } from 'vitest'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { Ground } from './ground.ts'
import { compareAll } from './groups.ts'

let home: TestHome
let ground: Ground

beforeAll(async () => {
  home = makeHome()
  writePolicy(home, { idle: '1h', lifetime: '2h' })
  await home.startPlayground()
  await home.init()
  await home.unlock('default')
  ground = new Ground({
    folder: home.root,
    shims: home.shims,
    env: home.env,
    pod: 'web-0',
    context: 'playground',
  })
  // Discovery is cached from here on, for every side.
  await home.realKubectl(['api-resources'])
})
afterAll(() => home.dispose())

compareAll(() => ground)
