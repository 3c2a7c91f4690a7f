import type { RestoredItem, RestoreJob } from '../platform/scribes/job.ts'
export async function restore(_job: RestoreJob): Promise<RestoredItem[]> { return [] }
