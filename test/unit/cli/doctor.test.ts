import { expect, test } from 'vitest'
import { swapFindings } from '../../../src/cli/doctor/machine-findings.ts'

const head = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'

test('swap in memory or encrypted is fine, on a bare disk it is not', () => {
  const swaps = `${head}/dev/zram0 partition 100 0 5\n/dev/dm-1 partition 100 0 -2\n/dev/sda2 partition 100 0 -3\n/swap.img file 100 0 -4\n`
  const found = swapFindings(swaps, (device) => device === '/dev/dm-1')
  expect(found.map(({ message }) => message.split(' ')[0])).toEqual(['/dev/sda2', '/swap.img'])
  expect(swapFindings(head)).toEqual([])
  expect(swapFindings('')).toEqual([])
})
