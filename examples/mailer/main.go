// Command mailer is a small app with background tasks. A new user receives a mail one minute after signing up. The
// admin receives a report on each working day. The app writes mails to the log; a real app would use a mail server.
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
