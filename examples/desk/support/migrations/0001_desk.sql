-- Times are milliseconds since 1970.
CREATE TABLE users (
	id       INTEGER PRIMARY KEY,
	email    TEXT NOT NULL UNIQUE,
	name     TEXT NOT NULL,
	password TEXT NOT NULL,
	role     TEXT NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'agent', 'admin'))
);

CREATE TABLE tickets (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	subject  TEXT NOT NULL,
	status   TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
	opener   INTEGER NOT NULL REFERENCES users (id),
	assignee INTEGER REFERENCES users (id),
	opened   INTEGER NOT NULL,
	due      INTEGER, -- an agent should have answered by then; NULL if it is not the turn of an agent
	overdue  INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX tickets_due ON tickets (due) WHERE due IS NOT NULL AND overdue = 0;

-- The customers who see a ticket. Agents see all tickets.
CREATE TABLE participants (
	ticket INTEGER NOT NULL REFERENCES tickets (id),
	user   INTEGER NOT NULL REFERENCES users (id),
	PRIMARY KEY (ticket, user)
) WITHOUT ROWID;
CREATE INDEX participants_user ON participants (user);

CREATE TABLE answers (
	id     INTEGER PRIMARY KEY,
	ticket INTEGER NOT NULL REFERENCES tickets (id),
	author INTEGER NOT NULL REFERENCES users (id),
	text   TEXT NOT NULL,
	at     INTEGER NOT NULL
);
CREATE INDEX answers_ticket ON answers (ticket);

CREATE TABLE files (
	id     TEXT PRIMARY KEY, -- also the name in the folder
	ticket INTEGER NOT NULL REFERENCES tickets (id),
	name   TEXT NOT NULL,
	size   INTEGER NOT NULL
);
CREATE INDEX files_ticket ON files (ticket);

-- Mails of committed changes that are no jobs yet.
CREATE TABLE pending_mails (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	address TEXT NOT NULL,
	subject TEXT NOT NULL,
	text    TEXT NOT NULL
);

CREATE TABLE api_keys (
	id    TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	key   TEXT NOT NULL, -- an auth.StoredKey as JSON
	used  INTEGER
);
CREATE INDEX api_keys_owner ON api_keys (owner);
