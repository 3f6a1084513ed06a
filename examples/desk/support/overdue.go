package support

import (
	"context"
	"database/sql"
	"time"

	"github.com/actionhero-go/actionhero"
)

// markOverdue marks tickets whose customers wait for too long, and tells the agents, at once in their room and by mail.
func (d *desk) markOverdue(ctx context.Context, _ actionhero.None) error {
	var late []Ticket
	err := d.change(ctx, func(tx *sql.Tx) (err error) {
		late, err = rows(ctx, tx, func(r *sql.Rows, t *Ticket) error { return scanTicket(r, t) },
			tickets+`AND t.status = 'open' AND t.due <= ? AND t.overdue = 0 ORDER BY t.due LIMIT 1000`, true, 0, time.Now().UnixMilli())
		if err != nil {
			return err
		}
		for i := range late {
			late[i].Overdue = true
			if err := markTicket(ctx, tx, late[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range late {
		announce(ctx, d, Overdue, agentsRoom, t)
	}
	return nil
}

// markTicket marks one ticket and mails the agent to whom it is assigned, or else all agents.
func markTicket(ctx context.Context, tx *sql.Tx, t Ticket) error {
	if _, err := tx.ExecContext(ctx, `UPDATE tickets SET overdue = 1 WHERE id = ?`, t.ID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO pending_mails (address, subject, text) SELECT email, ?, 'A customer waits for an answer for too long.' FROM users
		WHERE role <> 'customer' AND id = coalesce((SELECT assignee FROM tickets WHERE id = ?), id)`, subjectOf(t), t.ID)
	return err
}
