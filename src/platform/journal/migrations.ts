import type { Database } from 'better-sqlite3'
import { genesis } from './chain.ts'
import { NewerSchemaError } from './damage.ts'

/** Each brings the schema from version N to N + 1 (`user_version`). Never change one that was released. */
const migrations: readonly string[] = [
  `create table entries (
     seq integer primary key,
     wall_ms integer not null,
     event text not null,
     policy text,
     details text not null,
     hash blob not null
   ) strict;
   create table chain (
     id integer primary key check (id = 1),
     first_seq integer not null,
     before_hash blob not null,
     head_seq integer not null,
     head_hash blob not null
   ) strict;
   insert into chain values (1, 1, x'${Buffer.from(genesis).toString('hex')}', 0, x'${Buffer.from(genesis).toString('hex')}');
   create table failures (
     policy text primary key,
     count integer not null,
     last_wall_ms integer not null
   ) strict;`,
  `alter table failures add column since_wall_ms integer not null default 0;
   alter table failures add column last_on text not null default '';
   alter table failures add column wait_ms integer not null default 0;`,
]

const schemaVersion = migrations.length

/** Brings the schema up to date, whole or not at all. @throws NewerSchemaError, SqliteError */
export function migrate(database: Database): void {
  const version = database.pragma('user_version', { simple: true }) as number
  if (version > schemaVersion)
    throw new NewerSchemaError(`schema ${version}, this program knows ${schemaVersion}`)
  if (version === schemaVersion) return
  database.transaction(() => {
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.pragma(`user_version = ${schemaVersion}`)
  })()
}
