import { expect, test } from 'vitest'
import { FindProgram } from '../../../src/usecases/find-program.ts'
import type { ProcessId } from '../../../src/usecases/ports.ts'

const kubectls = ['/asdf/shims/kubectl', '/usr/bin/kubectl', '/opt/bin/kubectl']
const argv = ['kubectl', 'get', 'pods'].map((word) => Buffer.from(word))
const process = (pid: number): ProcessId => ({ pid, startTicks: pid * 10 })

/** Processes by number: each one's parent, where it has one. */
function finder(parents: Record<number, number> = {}, alive: (pid: number) => boolean = () => true) {
  return new FindProgram(
    { onPath: (tool) => (tool === 'kubectl' ? kubectls : []) },
    {
      isAlive: ({ pid }) => alive(pid),
      *lineage(pid) {
        for (let at: number | undefined = pid; at !== undefined; at = parents[at]) yield process(at)
      },
    },
  )
}

test('names the first on PATH, and the next to who comes again with the same arguments', () => {
  const find = finder()
  expect(find.find(argv, '/p', process(7))).toBe(kubectls[0])
  expect(find.find(argv, '/p', process(7))).toBe(kubectls[1])
  expect(find.find(argv, '/p', process(7))).toBe(kubectls[2])
  expect(find.find(argv, '/p', process(7))).toBeUndefined()
})

test('a child of who was sent on is sent on too; a stranger and other arguments are not', () => {
  const find = finder({ 8: 7 })
  find.find(argv, '/p', process(7))
  expect(find.find(argv, '/p', process(8))).toBe(kubectls[1])
  expect(find.find(argv, '/p', process(9))).toBe(kubectls[0])
  expect(find.find([...argv, Buffer.from('-A')], '/p', process(8))).toBe(kubectls[0])
})

test('reads no parents where the client that came with these arguments is gone', () => {
  const find = finder({ 8: 7 }, (pid) => pid !== 7)
  find.find(argv, '/p', process(7))
  expect(find.find(argv, '/p', process(8))).toBe(kubectls[0])
})

test('a circle of shims ends, also where each round comes with another PATH', () => {
  const find = finder()
  const rounds = Array.from({ length: 20 }, (_, round) => find.find(argv, `/p${round}`, process(7)))
  expect(rounds.at(-1)).toBeUndefined()
})
