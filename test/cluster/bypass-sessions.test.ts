import { afterAll } from 'vitest'
import { besiege } from '../bypass/besiege.ts'
import { clusterMatrix } from '../bypass/matrix.ts'
import { fightOn } from '../bypass/siege.ts'
import { clearAway, prepare, rules } from './siege-sessions.ts'

// Not in a hook: the siege is laid in the first of them.
fightOn(prepare, rules)
besiege(clusterMatrix)
afterAll(clearAway)
