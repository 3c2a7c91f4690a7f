import { serveJob } from '../../../src/scribe/serve-job.ts'

/** A scribe that strace can look into: of one that is hardened, an ordinary account's strace sees no names. */
void serveJob(() => undefined)
