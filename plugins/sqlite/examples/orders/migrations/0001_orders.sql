CREATE TABLE items (
	id    INTEGER PRIMARY KEY,
	name  TEXT NOT NULL UNIQUE,
	stock INTEGER NOT NULL CHECK (stock >= 0)
);

CREATE TABLE orders (
	id      INTEGER PRIMARY KEY,
	item_id INTEGER NOT NULL REFERENCES items (id),
	amount  INTEGER NOT NULL CHECK (amount > 0),
	email   TEXT NOT NULL
);

-- The jobs that are to be enqueued: a row is written in the transaction of its order.
CREATE TABLE pending (
	id       INTEGER PRIMARY KEY,
	order_id INTEGER NOT NULL REFERENCES orders (id)
);
