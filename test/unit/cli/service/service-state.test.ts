import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isUnswapped } from '../../../../src/cli/service/service-state.ts'
import { scratch } from '../../platform/scratch.ts'

/** /proc and /sys/fs/cgroup as a machine with the memory controller has them. */
function machine(
  limits: Readonly<Record<string, string>>,
  group = '0::/user.slice/app.slice/kubeguard.service\n',
) {
  const root = join(scratch(), 'cgroup')
  const proc = join(scratch(), 'proc')
  mkdirSync(join(proc, '7'), { recursive: true })
  writeFileSync(join(proc, '7', 'cgroup'), group)
  for (const [folder, limit] of Object.entries(limits)) {
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, folder, 'memory.swap.max'), `${limit}\n`)
  }
  return isUnswapped(7, root, proc)
}

test('a process is kept out of swap by the limit of its group, or of one above', () => {
  expect(machine({ 'user.slice/app.slice/kubeguard.service': '0' })).toBe(true)
  expect(machine({ 'user.slice': '0', 'user.slice/app.slice/kubeguard.service': 'max' })).toBe(true)
  expect(machine({ 'user.slice/app.slice/kubeguard.service': 'max' })).toBe(false)
  expect(machine({ 'user.slice/app.slice/kubeguard.service': '4096' })).toBe(false)
})

test('without the controller, version 2 or a process nothing is promised', () => {
  expect(machine({})).toBe(false)
  expect(machine({ 'user.slice': '0' }, '4:memory:/user.slice\n')).toBe(false)
  expect(isUnswapped(8, scratch(), scratch())).toBe(false)
})
