import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { less, text, vim, walk } from '../../fixtures/full-screen.ts'
import type { FullScreen } from '../../fixtures/full-screen.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { Screen } from '../../fixtures/screen.ts'
import { makeNearby, nearbyArgs } from './nearby.ts'
import type { Nearby } from './nearby.ts'
import { pidsIn, unlockedHome } from './shell.ts'

let home: TestHome
let nearby: Nearby

beforeAll(async () => {
  home = await unlockedHome()
  nearby = makeNearby(home)
})
afterAll(() => home.dispose())

function run(side: 'bare' | 'supervised', program: FullScreen): Screen {
  const folder = join(home.home, `${program.name}-${side}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'FILE'), text)
  return new Screen(nearby[side], nearbyArgs(...program.command), nearby.env, folder)
}

test.each([vim, less])('$name looks and does as without us', async (program) => {
  using bare = run('bare', program)
  using supervised = run('supervised', program)
  await walk(program, { bare, supervised })
  expect(bare.picture.screen).toBe('alternate')
  expect(pidsIn(home, (exe) => exe.endsWith('/kubeguard-supervisor'))).toHaveLength(2)
  for (const screen of [bare, supervised]) screen.type(program.quits)
  expect(await supervised.ended()).toBe(await bare.ended())
  for (const screen of [bare, supervised])
    await screen.until('its own screen', ({ picture }) => picture.screen === 'normal')
  expect(supervised.picture).toEqual(bare.picture)
  const [one, other] = ['bare', 'supervised'].map((side) =>
    readFileSync(join(home.home, `${program.name}-${side}`, 'FILE'), 'utf8'),
  )
  expect(other).toBe(one)
})
