-- name: AddItem :exec
INSERT INTO items (name, stock) VALUES (?, ?);

-- name: Stock :one
SELECT stock FROM items WHERE name = ?;

-- name: TakeStock :execrows
UPDATE items SET stock = stock - sqlc.arg(amount) WHERE name = sqlc.arg(name) AND stock >= sqlc.arg(amount);

-- name: AddOrder :execlastid
INSERT INTO orders (item_id, amount, email) SELECT id, sqlc.arg(amount), sqlc.arg(email) FROM items WHERE name = sqlc.arg(name);

-- name: AddPending :exec
INSERT INTO pending (order_id) VALUES (?);

-- name: ListPending :many
SELECT pending.id, pending.order_id, orders.email FROM pending JOIN orders ON orders.id = pending.order_id ORDER BY pending.id LIMIT 100;

-- name: RemovePending :exec
DELETE FROM pending WHERE id = ?;
