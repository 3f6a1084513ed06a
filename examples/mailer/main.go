// Command mailer is a small app with tasks: a new user gets a mail a minute after the sign-up, and each working day begins
// with a report. Mails are written to the log, where a real app would use a mail server.
package main

import (
	"log/slog"

	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/examples/mailer/mail"
)

func main() {
	cli.Main(builtin.All, mail.New(mail.ToLog{Log: slog.Default()}, "admin@example.com").Parts())
}
