// Package support is a support desk. Customers open tickets and agents answer them. A user who may see a ticket may sit in
// its room, where each change is announced. Begin with [All].
package support

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"os"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/plugins/sqlite"
)

// Config is the section "desk" of the configuration.
type Config struct {
	Files        string        `json:"files" default:"./data/files" doc:"folder of the attachments"`
	AnswerTime   time.Duration `json:"answerTime" default:"4h" min:"1m" doc:"time within which an agent answers a customer"`
	MailServer   string        `json:"mailServer" doc:"host and port of the SMTP server; empty writes mails to the log"`
	MailFrom     string        `json:"mailFrom" default:"desk@localhost" doc:"address of the sender of mails"`
	MailUser     string        `json:"mailUser" doc:"user at the SMTP server; empty sends without a login"`
	MailPassword string        `json:"mailPassword" secret:"true" doc:"password at the SMTP server"`
}

// Settings is the section "desk" of the configuration.
const Settings = actionhero.Section[Config]("desk")

//go:embed migrations/*.sql
var migrations embed.FS

// All is the desk, as parts for cli.Main. It needs a [Mailer] and an [os.Root], which [Outside] provides.
var All = actionhero.Parts{
	Settings,
	sqlite.New(sqlite.Options{Migrations: migrations}),
	actionhero.DefaultAccess(actionhero.Authenticated),
	actionhero.Initializer{Name: "desk", Setup: func(api *actionhero.API) error { return api.Register(newDesk(api).parts()...) }},
}

// Outside provides what the desk needs of its surroundings: the sender of mails and the folder of attachments. Tests
// provide others.
var Outside = actionhero.Initializer{
	Name: "outside",
	Setup: func(api *actionhero.API) error {
		actionhero.Provide(api, func(context.Context) (Mailer, error) { return newMailer(api), nil }, nil)
		actionhero.Provide(api, func(context.Context) (*os.Root, error) {
			folder := Settings.Get(api).Files
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return nil, err
			}
			return os.OpenRoot(folder)
		}, func(_ context.Context, root *os.Root) error { return root.Close() })
		return nil
	},
}

// The roles. An admin may do what an agent may.
const (
	customer = "customer"
	agent    = "agent"
	admin    = "admin"
)

// The rules of the actions. The session of a user has all scopes, an API key those that it was made with.
var (
	ownLogin = actionhero.Scopes("account") // no API key has this scope
	mayRead  = actionhero.Scopes("tickets:read")
	mayWrite = actionhero.Scopes("tickets:write")
	agents   = actionhero.Roles(agent, admin).And(mayWrite)
)

// desk holds what the actions and the tasks need.
type desk struct {
	api      *actionhero.API
	db       actionhero.Value[*sql.DB]
	files    actionhero.Value[*os.Root]
	mailer   actionhero.Value[Mailer]
	sessions *auth.Sessions
	keys     *auth.Keys
	mail     actionhero.Task[Mail]
	guesses  *auth.LoginLimiter
}

func newDesk(api *actionhero.API) *desk {
	d := &desk{
		api:     api,
		db:      actionhero.Use[*sql.DB](api),
		files:   actionhero.Use[*os.Root](api),
		mailer:  actionhero.Use[Mailer](api),
		guesses: auth.NewLoginLimiter(auth.LoginLimit{}),
	}
	d.sessions = auth.NewSessions(auth.SessionConfig{Identity: d.sessionIdentity})
	d.keys = auth.NewKeys(auth.KeyConfig{Prefix: "desk", Store: d.keyStore, Identity: d.keyIdentity})
	d.mail = actionhero.Task[Mail]{Name: "mail", Description: "Sends a mail", Queue: "mail", MaxAttempts: 12, Timeout: time.Minute, Run: d.sendMail}
	return d
}

// parts returns all parts of the desk.
func (d *desk) parts() actionhero.Parts {
	return actionhero.Parts{d.sessions, d.keys, d.userParts(), d.keyParts(), d.ticketParts(), d.fileParts(), d.roomRules(),
		Opened, Overdue, Assigned, Closed, Participants, Answered, Attached,
		d.mail,
		actionhero.Task[actionhero.None]{Name: "enqueueMails", Description: "Makes jobs of the mails of committed changes", Frequency: 30 * time.Second, Run: d.enqueueMails},
		actionhero.Task[actionhero.None]{Name: "overdue", Description: "Marks tickets that wait for too long", Cron: "* * * * *", Run: d.markOverdue},
	}
}

// change runs f in a transaction. If f or the commit fails, nothing has changed.
func (d *desk) change(ctx context.Context, f func(*sql.Tx) error) error {
	return d.inTx(ctx, nil, f)
}

// read runs f in a transaction that sees one state of the database.
func (d *desk) read(ctx context.Context, f func(*sql.Tx) error) error {
	return d.inTx(ctx, &sql.TxOptions{ReadOnly: true}, f)
}

func (d *desk) inTx(ctx context.Context, options *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := d.db.Get().BeginTx(ctx, options)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// rows returns all rows of a query.
func rows[T any](ctx context.Context, tx *sql.Tx, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	found, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	list := []T{}
	for found.Next() {
		var row T
		if err := scan(found, &row); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, found.Err()
}
