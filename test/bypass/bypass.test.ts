import { besiege } from './besiege.ts'
import { matrix } from './matrix.ts'

besiege(matrix)
