package support

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

func (d *desk) ticketParts() actionhero.Parts {
	return actionhero.Parts{
		actionhero.Action[OpenInput, Ticket]{
			Name: "ticketOpen", Description: "Opens a ticket", Route: "POST /tickets", Access: mayWrite,
			IdempotencyKey: actionhero.KeyOptional, Run: d.open,
		},
		actionhero.Action[ListInput, ListOutput]{
			Name: "ticketList", Description: "Lists the tickets that you may see, the newest first", Route: "GET /tickets",
			Kind: actionhero.KindRead, Access: mayRead, Run: d.list,
		},
		actionhero.Action[TicketID, ShowOutput]{
			Name: "ticketShow", Description: "Shows a ticket with its answers", Route: "GET /tickets/{id}", Kind: actionhero.KindRead, Access: mayRead, Run: d.show,
		},
		actionhero.Action[AnswerInput, Answer]{
			Name: "ticketAnswer", Description: "Answers in a ticket", Route: "POST /tickets/{id}/answers", Access: mayWrite,
			IdempotencyKey: actionhero.KeyOptional, Run: d.answer,
		},
		actionhero.Action[AssignInput, Ticket]{
			Name: "ticketAssign", Description: "Makes an agent responsible for a ticket", Route: "POST /tickets/{id}/assign", Access: agents, Run: d.assign,
		},
		actionhero.Action[TicketID, Ticket]{
			Name: "ticketClose", Description: "Closes a ticket", Route: "POST /tickets/{id}/close", Access: mayWrite, Idempotent: true, Run: d.closeTicket,
		},
		actionhero.Action[AddInput, User]{
			Name: "participantAdd", Description: "Lets a customer see a ticket", Route: "POST /tickets/{id}/participants", Access: agents,
			Idempotent: true, Run: d.addParticipant,
		},
		actionhero.Action[RemoveInput, actionhero.None]{
			Name: "participantRemove", Description: "Hides a ticket from a customer", Route: "DELETE /tickets/{id}/participants/{user}",
			Access: agents, Idempotent: true, Run: d.removeParticipant,
		},
	}
}

// Ticket is a ticket without its answers.
type Ticket struct {
	ID       int64     `json:"id"`
	Subject  string    `json:"subject"`
	Status   string    `json:"status"`
	Opener   string    `json:"opener"`
	Assignee string    `json:"assignee,omitempty"`
	Opened   time.Time `json:"opened"`
	Overdue  bool      `json:"overdue"`
}

// tickets selects those that a user may see. Its first two arguments are whether the user is an agent, and the id.
const tickets = `SELECT t.id, t.subject, t.status, o.name, coalesce(a.name, ''), t.opened, t.overdue
	FROM tickets t JOIN users o ON o.id = t.opener LEFT JOIN users a ON a.id = t.assignee
	WHERE (? OR EXISTS (SELECT 1 FROM participants p WHERE p.ticket = t.id AND p.user = ?)) `

func scanTicket(row interface{ Scan(...any) error }, t *Ticket) error {
	var opened int64
	err := row.Scan(&t.ID, &t.Subject, &t.Status, &t.Opener, &t.Assignee, &opened, &t.Overdue)
	t.Opened = time.UnixMilli(opened).UTC()
	return err
}

// find returns a ticket that the user may see. All access to one ticket comes through here.
func find(ctx context.Context, q querier, who actionhero.Identity, id int64) (t Ticket, err error) {
	err = scanTicket(q.QueryRowContext(ctx, tickets+`AND t.id = ?`, isAgent(who), userID(who), id), &t)
	if errors.Is(err, sql.ErrNoRows) {
		err = actionhero.Errorf(actionhero.CodeNotFound, "there is no ticket %d for you", id)
	}
	return t, err
}

// OpenInput is the input of the action `ticketOpen`.
type OpenInput struct {
	Subject string `json:"subject" required:"true" maxLength:"120" pattern:"^[^\\p{C}]+$"`
	Text    string `json:"text" required:"true" maxLength:"10000"`
}

func (d *desk) open(ctx context.Context, in OpenInput) (t Ticket, err error) {
	who, now := actionhero.IdentityFrom(ctx), time.Now()
	err = d.change(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO tickets (subject, opener, opened, due) VALUES (?, ?, ?, ?)`,
			in.Subject, userID(who), now.UnixMilli(), d.dueAfter(now))
		if err != nil {
			return err
		}
		id, err := result.LastInsertId()
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO participants (ticket, user) VALUES (?, ?)`, id, userID(who)); err != nil {
			return err
		}
		if _, err := addAnswer(ctx, tx, id, who, in.Text, now); err != nil {
			return err
		}
		t, err = find(ctx, tx, who, id)
		return err
	})
	if err != nil {
		return t, err
	}
	web.SetStatus(ctx, http.StatusCreated)
	web.Header(ctx).Set("Location", fmt.Sprintf("/tickets/%d", t.ID))
	announce(ctx, d, Opened, agentsRoom, t)
	return t, nil
}

func (d *desk) dueAfter(from time.Time) int64 {
	return from.Add(Settings.Get(d.api).AnswerTime).UnixMilli()
}

// ListInput is the input of the action `ticketList`.
type ListInput struct {
	Status  string `json:"status" enum:"open,closed"`
	Search  string `json:"search" maxLength:"120" doc:"a part of the subject"`
	Mine    bool   `json:"mine" doc:"only tickets that are assigned to you"`
	Overdue bool   `json:"overdue" doc:"only tickets that have waited for too long"`
	Before  int64  `json:"before" minimum:"1" doc:"only tickets older than this one: the value next of the previous page"`
	Limit   int    `json:"limit" minimum:"1" maximum:"100" default:"20"`
}

// ListOutput is a page of tickets. Next is missing on the last page.
type ListOutput struct {
	Tickets []Ticket `json:"tickets"`
	Next    int64    `json:"next,omitzero"`
}

func (d *desk) list(ctx context.Context, in ListInput) (out ListOutput, err error) {
	who := actionhero.IdentityFrom(ctx)
	where, args := tickets, []any{isAgent(who), userID(who)}
	filter := func(use bool, condition string, arg any) {
		if use {
			where, args = where+` AND `+condition, append(args, arg)
		}
	}
	filter(in.Status != "", `t.status = ?`, in.Status)
	filter(in.Search != "", `instr(lower(t.subject), lower(?)) > 0`, in.Search)
	filter(in.Mine, `t.assignee = ?`, userID(who))
	filter(in.Overdue, `t.overdue = ?`, true)
	filter(in.Before > 0, `t.id < ?`, in.Before)
	err = d.read(ctx, func(tx *sql.Tx) error {
		out.Tickets, err = rows(ctx, tx, func(r *sql.Rows, t *Ticket) error { return scanTicket(r, t) },
			where+` ORDER BY t.id DESC LIMIT ?`, append(args, in.Limit+1)...)
		return err
	})
	if len(out.Tickets) > in.Limit { // one more shows that there is a further page
		out.Tickets = out.Tickets[:in.Limit]
		out.Next = out.Tickets[in.Limit-1].ID
	}
	return out, err
}

// TicketID is the input of the actions `ticketShow` and `ticketClose`.
type TicketID struct {
	ID int64 `json:"id" required:"true"`
}

// Answer is a text in a ticket.
type Answer struct {
	ID     int64     `json:"id"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
	At     time.Time `json:"at"`
}

// ShowOutput is a ticket with all that belongs to it.
type ShowOutput struct {
	Ticket
	Answers      []Answer `json:"answers"`
	Files        []File   `json:"files"`
	Participants []User   `json:"participants"`
}

func (d *desk) show(ctx context.Context, in TicketID) (out ShowOutput, err error) {
	err = d.read(ctx, func(tx *sql.Tx) error {
		if out.Ticket, err = find(ctx, tx, actionhero.IdentityFrom(ctx), in.ID); err != nil {
			return err
		}
		out.Answers, err = rows(ctx, tx, func(r *sql.Rows, a *Answer) error {
			var at int64
			err := r.Scan(&a.ID, &a.Author, &a.Text, &at)
			a.At = time.UnixMilli(at).UTC()
			return err
		}, `SELECT a.id, u.name, a.text, a.at FROM answers a JOIN users u ON u.id = a.author WHERE a.ticket = ? ORDER BY a.id`, in.ID)
		if err != nil {
			return err
		}
		out.Files, err = rows(ctx, tx, func(r *sql.Rows, f *File) error { return r.Scan(&f.ID, &f.Name, &f.Size) },
			`SELECT id, name, size FROM files WHERE ticket = ? ORDER BY rowid`, in.ID)
		if err != nil {
			return err
		}
		out.Participants, err = rows(ctx, tx, func(r *sql.Rows, u *User) error { return r.Scan(&u.ID, &u.Email, &u.Name, &u.Role) },
			`SELECT u.id, u.email, u.name, u.role FROM participants p JOIN users u ON u.id = p.user WHERE p.ticket = ? ORDER BY u.id`, in.ID)
		return err
	})
	return out, err
}

// AnswerInput is the input of the action `ticketAnswer`.
type AnswerInput struct {
	ID   int64  `json:"id" required:"true" doc:"the ticket"`
	Text string `json:"text" required:"true" maxLength:"10000"`
}

// answer adds an answer. A customer who answers opens a closed ticket again, and then it is the turn of the agents.
func (d *desk) answer(ctx context.Context, in AnswerInput) (a Answer, err error) {
	who, now := actionhero.IdentityFrom(ctx), time.Now()
	err = d.change(ctx, func(tx *sql.Tx) error {
		t, err := find(ctx, tx, who, in.ID)
		if err != nil {
			return err
		}
		turn, args := `UPDATE tickets SET due = NULL, overdue = 0 WHERE id = ?`, []any{t.ID}
		if !isAgent(who) {
			turn, args = `UPDATE tickets SET due = coalesce(due, ?), status = 'open' WHERE id = ?`, []any{d.dueAfter(now), t.ID}
		}
		if _, err := tx.ExecContext(ctx, turn, args...); err != nil {
			return err
		}
		if a, err = addAnswer(ctx, tx, t.ID, who, in.Text, now); err != nil {
			return err
		}
		return mailParticipants(ctx, tx, t, who, a.Author+" answers:\n\n"+a.Text)
	})
	if err == nil {
		announce(ctx, d, Answered, roomOf(in.ID), a)
	}
	return a, err
}

func addAnswer(ctx context.Context, tx *sql.Tx, ticket int64, who actionhero.Identity, text string, now time.Time) (a Answer, err error) {
	author, _, err := findUser(ctx, tx, "id", userID(who))
	if err != nil {
		return a, err
	}
	a = Answer{Author: author.Name, Text: text, At: now.UTC().Truncate(time.Millisecond)}
	result, err := tx.ExecContext(ctx, `INSERT INTO answers (ticket, author, text, at) VALUES (?, ?, ?, ?)`, ticket, author.ID, text, now.UnixMilli())
	if err != nil {
		return a, err
	}
	a.ID, err = result.LastInsertId()
	return a, err
}

// AssignInput is the input of the action `ticketAssign`.
type AssignInput struct {
	ID    int64  `json:"id" required:"true" doc:"the ticket"`
	Agent string `json:"agent" format:"email" doc:"the address of an agent; default: you"`
}

func (d *desk) assign(ctx context.Context, in AssignInput) (Ticket, error) {
	return d.update(ctx, in.ID, Assigned, func(tx *sql.Tx, _ Ticket) error {
		column, value := "id", any(userID(actionhero.IdentityFrom(ctx)))
		if in.Agent != "" {
			column, value = "email", strings.ToLower(in.Agent)
		}
		u, _, err := findUser(ctx, tx, column, value)
		if err != nil {
			return err
		}
		if u.Role == customer {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "%s is no agent", u.Name)
		}
		_, err = tx.ExecContext(ctx, `UPDATE tickets SET assignee = ? WHERE id = ?`, u.ID, in.ID)
		return err
	})
}

func (d *desk) closeTicket(ctx context.Context, in TicketID) (Ticket, error) {
	who := actionhero.IdentityFrom(ctx)
	return d.update(ctx, in.ID, Closed, func(tx *sql.Tx, t Ticket) error {
		if t.Status == "closed" {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE tickets SET status = 'closed', due = NULL, overdue = 0 WHERE id = ?`, in.ID); err != nil {
			return err
		}
		return mailParticipants(ctx, tx, t, who, "The ticket is closed. An answer opens it again.")
	})
}

// update changes a ticket that the caller may see, and tells its room.
func (d *desk) update(ctx context.Context, id int64, event actionhero.Event[Ticket], f func(*sql.Tx, Ticket) error) (t Ticket, err error) {
	who := actionhero.IdentityFrom(ctx)
	err = d.change(ctx, func(tx *sql.Tx) error {
		t, err := find(ctx, tx, who, id)
		if err != nil {
			return err
		}
		return f(tx, t)
	})
	if err == nil {
		t, err = find(ctx, d.db.Get(), who, id)
	}
	if err == nil {
		announce(ctx, d, event, roomOf(id), t)
	}
	return t, err
}

// AddInput is the input of the action `participantAdd`.
type AddInput struct {
	ID    int64  `json:"id" required:"true" doc:"the ticket"`
	Email string `json:"email" required:"true" format:"email"`
}

func (d *desk) addParticipant(ctx context.Context, in AddInput) (u User, err error) {
	_, err = d.update(ctx, in.ID, Participants, func(tx *sql.Tx, _ Ticket) error {
		if u, _, err = findUser(ctx, tx, "email", strings.ToLower(in.Email)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO participants (ticket, user) VALUES (?, ?) ON CONFLICT DO NOTHING`, in.ID, u.ID)
		return err
	})
	return u, err
}

// RemoveInput is the input of the action `participantRemove`.
type RemoveInput struct {
	ID   int64 `json:"id" required:"true" doc:"the ticket"`
	User int64 `json:"user" required:"true"`
}

// removeParticipant removes the row first: the rules of rooms then keep the customer out, and Kick takes it out.
func (d *desk) removeParticipant(ctx context.Context, in RemoveInput) (none actionhero.None, err error) {
	err = d.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM participants WHERE ticket = ? AND user = ?`, in.ID, in.User)
		return err
	})
	if err != nil {
		return none, err
	}
	if _, err := d.api.Conns.User(fmt.Sprint(in.User)).Kick(ctx, roomOf(in.ID)); err != nil {
		return none, err
	}
	t, err := find(ctx, d.db.Get(), actionhero.IdentityFrom(ctx), in.ID)
	if err == nil {
		announce(ctx, d, Participants, roomOf(in.ID), t)
	}
	return none, err
}
