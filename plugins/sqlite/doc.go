// Package sqlite is a plugin for actionHero: it opens a database of SQLite when the API starts, applies its migrations,
// provides it as a *[sql.DB] to the other parts, and closes it when the API stops. The driver needs no C compiler.
//
// Add [New] to the parts of the app. A constructor of actions takes the database as an actionhero.Value:
//
//	//go:embed migrations/*.sql
//	var migrations embed.FS
//
//	func Database() actionhero.Initializer { return sqlite.New(sqlite.Options{Migrations: migrations}) }
//
//	func Notes(db actionhero.Value[*sql.DB]) []actionhero.Part { … db.Get().QueryContext(ctx, …) … }
//
// The section "sqlite" of the configuration has the [Settings].
//
// # One writer, many readers
//
// SQLite lets one connection write at a time, while others read. The database is in WAL mode, so readers do not wait for
// the writer. In this process, writes wait for each other in the order of their calls, up to Settings.BusyTimeout or the end of
// their context; a writer of another process is waited for equally long, in no order. ExecContext, and a transaction
// from its beginning to its end, are writes. A transaction with sql.TxOptions.ReadOnly and a query are reads; a query that
// writes, such as INSERT … RETURNING, waits like a writer of another process, so a transaction is the better place for it.
//
// # Migrations
//
// [Options.Migrations] has files *.sql. Each is applied once, in the order of the names, in a transaction. The table
// schema_migrations has the name and the checksum of each. The start fails, and names the file, if an applied file has
// changed or is gone, or if a new one has a name that sorts before an applied one. Several servers may start at once.
// Files that a newer version of the program has applied are no error, so that an older version can run during a rolling
// restart.
package sqlite
