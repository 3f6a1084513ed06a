package support

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
)

// Mail is the input of the task `mail`.
type Mail struct {
	Address string `json:"address" required:"true" format:"email"`
	Subject string `json:"subject" required:"true"`
	Text    string `json:"text" required:"true"`
}

// Mailer sends mails. If a retry cannot succeed, Send returns an error that is ErrRefused.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// ErrRefused is the error of a Mailer whose server refuses a mail for good.
var ErrRefused = errors.New("the mail server refuses the mail for good")

func (d *desk) sendMail(ctx context.Context, m Mail) error {
	err := d.mailer.Get().Send(ctx, m)
	if errors.Is(err, ErrRefused) {
		return actionhero.CancelJob(err)
	}
	return err
}

// mailParticipants writes a mail to all who take part in a ticket, but not to the author of the text, into the table
// pending_mails, within the transaction.
func mailParticipants(ctx context.Context, tx *sql.Tx, t Ticket, author actionhero.Identity, text string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO pending_mails (address, subject, text) SELECT u.email, ?, ? FROM users u
		WHERE u.id <> ? AND (u.id IN (SELECT user FROM participants WHERE ticket = ?) OR u.id = (SELECT assignee FROM tickets WHERE id = ?))`,
		subjectOf(t), text, userID(author), t.ID, t.ID)
	return err
}

func subjectOf(t Ticket) string { return fmt.Sprintf("[#%d] %s", t.ID, t.Subject) }

// enqueueMails makes a job of each mail of a committed change. If it is interrupted, the unique key makes one job of a
// row that is read again.
func (d *desk) enqueueMails(ctx context.Context, _ actionhero.None) error {
	type row struct {
		id int64
		Mail
	}
	var list []row
	err := d.read(ctx, func(tx *sql.Tx) (err error) {
		list, err = rows(ctx, tx, func(r *sql.Rows, m *row) error { return r.Scan(&m.id, &m.Address, &m.Subject, &m.Text) },
			`SELECT id, address, subject, text FROM pending_mails ORDER BY id LIMIT 1000`)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range list {
		key := actionhero.UniqueKey(fmt.Sprint("mail ", m.id))
		if _, err := d.mail.Enqueue(ctx, d.api, m.Mail, key, actionhero.UniqueFor(24*time.Hour)); err != nil {
			return err
		}
		if _, err := d.db.Get().ExecContext(ctx, `DELETE FROM pending_mails WHERE id = ?`, m.id); err != nil {
			return err
		}
	}
	return nil
}

// newMailer returns the Mailer that the settings choose.
func newMailer(api *actionhero.API) Mailer {
	s := Settings.Get(api)
	if s.MailServer == "" {
		return toLog{api.Log()}
	}
	return SMTP{Server: s.MailServer, From: s.MailFrom, User: s.MailUser, Password: s.MailPassword}
}

// toLog writes mails to the log, for development.
type toLog struct{ log *slog.Logger }

func (l toLog) Send(_ context.Context, m Mail) error {
	l.log.Info("a mail", "to", m.Address, "subject", m.Subject)
	return nil
}

// SMTP sends mails by a mail server, with TLS if the server offers it.
type SMTP struct {
	Server, From   string // host:port, and the address of the sender
	User, Password string // without a User there is no login
}

// Send sends one mail.
func (s SMTP) Send(ctx context.Context, m Mail) error {
	host, _, err := net.SplitHostPort(s.Server)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Server)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // net/smtp knows no context
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	defer client.Close()
	return s.talk(client, host, m)
}

func (s SMTP) talk(client *smtp.Client, host string, m Mail) error {
	if offered, _ := client.Extension("STARTTLS"); offered {
		if err := client.StartTLS(&tls.Config{ServerName: host}); err != nil {
			return err
		}
	}
	if s.User != "" {
		if err := client.Auth(smtp.PlainAuth("", s.User, s.Password, host)); err != nil {
			return err
		}
	}
	if err := client.Mail(s.From); err != nil {
		return err
	}
	if err := client.Rcpt(m.Address); err != nil {
		return forGood(err)
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(s.message(m)); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return forGood(err)
	}
	return client.Quit()
}

// message returns the mail in the form of RFC 5322. No text of a user can add a header.
func (s SMTP) message(m Mail) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\n", s.From, m.Address, mime.QEncoding.Encode("utf-8", m.Subject), time.Now().Format(time.RFC1123Z))
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(m.Text)) // a strings.Builder does not fail
	_ = w.Close()
	return []byte(b.String())
}

// forGood makes ErrRefused of an answer that says that a retry is useless (5xx).
func forGood(err error) error {
	var answer *textproto.Error
	if errors.As(err, &answer) && answer.Code >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
