import { halves } from '../bypass/matrix.ts'
import { besiegeCluster } from './siege.ts'

besiegeCluster(halves[1])
