import { besiege } from './besiege.ts'
import { halves } from './matrix.ts'

besiege(halves[0])
