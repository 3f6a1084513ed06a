// Package mail holds the action and the tasks of the example app mailer. Begin with [New].
package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
)

// ErrNoSuchAddress is the error that Sender.Send returns for an address that does not exist. A retry cannot succeed.
var ErrNoSuchAddress = errors.New("there is no such address")

// Sender sends mails. If the address does not exist, Send returns ErrNoSuchAddress.
type Sender interface {
	Send(ctx context.Context, to, subject, text string) error
}

// ToLog is a Sender that writes each mail to a log instead of sending it.
type ToLog struct{ Log *slog.Logger }

// Send writes the address and the subject of the mail to the log.
func (l ToLog) Send(_ context.Context, to, subject, _ string) error {
	l.Log.Info("a mail", "to", to, "subject", subject)
	return nil
}

// Mails holds the two tasks that send mails, and the action that enqueues the task `welcome`.
type Mails struct {
	sender  Sender
	admin   string
	welcome actionhero.Task[WelcomeInput]
}

// WelcomeInput is the input of the task `welcome`. Each job stores its input, so the input has only the fields that the
// task needs.
type WelcomeInput struct {
	Name  string `json:"name" required:"true"`
	Email string `json:"email" required:"true" format:"email"`
}

// New returns the Mails of an app. The task `report` sends its reports to the address admin.
func New(sender Sender, admin string) *Mails {
	m := &Mails{sender: sender, admin: admin}
	m.welcome = actionhero.Task[WelcomeInput]{
		Name:        "welcome",
		Description: "Sends the first mail to a new user",
		Queue:       "mail",
		MaxAttempts: 10,
		Timeout:     30 * time.Second,
		Unique:      actionhero.Unique{By: actionhero.ByInput, For: 24 * time.Hour},
		Run:         m.sendWelcome,
	}
	return m
}

// Parts returns the action `signUp` and the tasks `welcome` and `report`, as parts for cli.Main.
func (m *Mails) Parts() actionhero.Parts {
	return actionhero.Parts{
		m.welcome,
		actionhero.Action[SignUpInput, actionhero.None]{Name: "signUp", Description: "Adds a user, who receives a mail one minute later", Run: m.SignUp},
		actionhero.Task[actionhero.None]{
			Name: "report", Description: "Sends the admin the numbers of mails sent, waiting and failed",
			Queue: "mail", Cron: "0 8 * * MON-FRI", TimeZone: "Europe/Berlin", MaxAttempts: 5, Run: m.report,
		},
	}
}

// SignUpInput is the input of the action `signUp`.
type SignUpInput struct {
	Name  string `json:"name" required:"true" maxLength:"100" doc:"the name in the mail"`
	Email string `json:"email" required:"true" format:"email" doc:"the address of the mail"`
}

// SignUp implements the action `signUp`. It enqueues a job that sends the welcome mail after one minute. If SignUp
// returns nil, the job is durable: the job runs even if this process ends before.
func (m *Mails) SignUp(ctx context.Context, in SignUpInput) (actionhero.None, error) {
	api := actionhero.RequestFrom(ctx).API
	_, err := m.welcome.Enqueue(ctx, api, WelcomeInput(in), actionhero.After(time.Minute))
	return actionhero.None{}, err
}

// sendWelcome implements the task `welcome`. If sendWelcome returns an error that is not from actionhero.CancelJob, the
// job is retried after a pause that grows with each attempt.
func (m *Mails) sendWelcome(ctx context.Context, in WelcomeInput) error {
	err := m.sender.Send(ctx, in.Email, "Welcome!", "Hello, "+in.Name+"!")
	if errors.Is(err, ErrNoSuchAddress) {
		return actionhero.CancelJob(err) // a retry cannot succeed
	}
	return err
}

func (m *Mails) report(ctx context.Context, _ actionhero.None) error {
	stats, err := actionhero.RequestFrom(ctx).API.Tasks.Stats(ctx)
	if err != nil {
		return err
	}
	mails := stats.Tasks["welcome"]
	return m.sender.Send(ctx, m.admin, "Mails", fmt.Sprintf("sent: %d, waiting: %d, to no address: %d, failed: %d",
		mails.Completed, mails.Scheduled+mails.Available+mails.Retryable, mails.Cancelled, mails.Dead))
}
