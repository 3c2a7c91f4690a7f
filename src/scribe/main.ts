import { hardenProcess } from '../hardening/harden-process.ts'
import { serveJob } from './serve-job.ts'

void serveJob(hardenProcess)
