import { expect, test } from 'vitest'
import { FindProgram } from '../../../src/usecases/find-program.ts'

const kubectls = ['/asdf/shims/kubectl', '/usr/bin/kubectl', '/opt/bin/kubectl']
const argv = ['kubectl', 'get', 'pods'].map((word) => Buffer.from(word))
const process = (pid: number) => ({ pid, ppid: 1, startTicks: pid * 10 })

/** Processes by number: each one's parent, where it has one. Lower numbers are older. */
function finder(parents: Record<number, number> = {}) {
  const seen: number[] = []
  const find = new FindProgram(
    {
      onPath: (tool) => (tool === 'kubectl' ? kubectls : tool === 'helm' ? ['/usr/bin/helm'] : []),
      hasShim: (tool) => tool === 'helm',
    },
    {
      *lineage({ pid }) {
        for (let at: number | undefined = pid; at !== undefined; at = parents[at]) {
          seen.push(at)
          yield process(at)
        }
      },
    },
  )
  return {
    /** Whose parents were looked for, and which were found. */
    seen,
    /** As for a command that is allowed. */
    name(...asked: Parameters<FindProgram['find']>): string | undefined {
      const found = find.find(...asked)
      found?.remember()
      return found?.path
    },
    look: (...asked: Parameters<FindProgram['find']>) => find.find(...asked)?.path,
  }
}

test('names the first on PATH, and the next to who comes again with the same arguments', () => {
  const find = finder()
  expect(find.name(argv, '/p', process(7))).toBe(kubectls[0])
  expect(find.name(argv, '/p', process(7))).toBe(kubectls[1])
  expect(find.name(argv, '/p', process(7))).toBe(kubectls[2])
  expect(find.name(argv, '/p', process(7))).toBeUndefined()
})

test('under a name without a shim it is kubectl all the same', () => {
  const find = finder()
  const called = (name: string) => find.look([Buffer.from(name), ...argv.slice(1)], '/p', process(7))
  expect(called('/home/me/bin/k')).toBe(kubectls[0])
  expect(called('')).toBe(kubectls[0])
  expect(called('helm')).toBe('/usr/bin/helm')
})

test('a command that is asked about again, but was not allowed yet, is not sent on', () => {
  const find = finder()
  expect(find.look(argv, '/p', process(7))).toBe(kubectls[0])
  expect(find.name(argv, '/p', process(7))).toBe(kubectls[0])
})

test('a child of who was sent on is sent on too; a stranger and other arguments are not', () => {
  const find = finder({ 8: 7 })
  find.name(argv, '/p', process(7))
  expect(find.name(argv, '/p', process(8))).toBe(kubectls[1])
  expect(find.name(argv, '/p', process(9))).toBe(kubectls[0])
  expect(find.name([...argv, Buffer.from('-A')], '/p', process(8))).toBe(kubectls[0])
})

test('reads no parents that are older than whoever came with these arguments', () => {
  const find = finder({ 9: 5, 5: 3, 3: 2 })
  expect(find.name(argv, '/p', process(9))).toBe(kubectls[0])
  expect(find.seen).toEqual([])
  find.name(argv, '/p', process(7))
  expect(find.seen).toEqual([7])
  expect(find.name(argv, '/p', process(5))).toBe(kubectls[0])
  expect(find.seen).toEqual([7, 5])
  expect(find.name(argv, '/p', process(9))).toBe(kubectls[1])
})

test('two tools with the same arguments are two: a helm that calls kubectl in the same process', () => {
  const find = finder({ 8: 7 })
  const helm = [Buffer.from('helm'), ...argv.slice(1)]
  expect(find.name(helm, '/p', process(7))).toBe('/usr/bin/helm')
  expect(find.name(argv, '/p', process(7))).toBe(kubectls[0])
  expect(find.name(argv, '/p', process(8))).toBe(kubectls[1])
  // And one that calls helm again has come full circle.
  expect(find.name(helm, '/p', process(8))).toBeUndefined()
})

test('a circle of shims ends, also where each round comes with another PATH', () => {
  const find = finder()
  const rounds = Array.from({ length: 20 }, (_, round) => find.name(argv, `/p${round}`, process(7)))
  expect(rounds.at(-1)).toBeUndefined()
})
