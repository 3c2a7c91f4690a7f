import { ApiServer } from '../fixtures/api-server.ts'
import { cluster } from './fixture.ts'

/** Of the cluster under test. */
export const apiServer = new ApiServer(cluster.kubeconfig)
