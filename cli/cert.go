package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/actionhero-go/actionhero/internal/devcert"
)

func (a *app) cert() *cobra.Command {
	options := devcert.Options{}
	cmd := &cobra.Command{
		Use: "cert [NAME...]", Short: "Make a certificate for HTTPS in development",
		Long: "Make a certificate for HTTPS in development, for localhost, 127.0.0.1, ::1 and the names or IP addresses given.\n" +
			"An authority of its own in the folder signs the certificate, so a client that trusts the authority also trusts\n" +
			"the next certificate. A file that is there already is never replaced.",
		RunE: func(cmd *cobra.Command, args []string) error {
			options.Names = args
			made, err := devcert.Make(options)
			if err != nil {
				return err
			}
			return printCert(cmd.OutOrStdout(), &made)
		},
	}
	cmd.Flags().StringVar(&options.Folder, "dir", "certs", "the folder of the certificates")
	cmd.Flags().BoolVar(&options.SelfSigned, "self-signed", false, "without an authority: clients trust this one certificate")
	cmd.Flags().IntVar(&options.Days, "days", 397, fmt.Sprintf("days for which the certificate is valid, at most %d", devcert.MaxDays))
	return cmd
}

// printCert says what was written, how the server uses it and how clients trust it.
func printCert(out io.Writer, made *devcert.Made) error {
	rows := [][]string{{made.Cert, "for " + strings.Join(made.Names, ", ") + ", until " + made.Until.Format(time.DateOnly)}, {made.Key, "its key"}}
	if made.NewCA {
		key := filepath.Join(filepath.Dir(made.Trust), devcert.CAKey)
		rows = append([][]string{
			{made.Trust, "the authority, until " + made.CAUntil.Format(time.DateOnly)},
			{key, "its key: its owner can imitate any site for a client that trusts the authority"},
		}, rows...)
	}
	var text strings.Builder
	printTable(&text, rows)
	fmt.Fprintf(&text, "\nThe server uses them with these settings, on port 4443:\n  httpsServer.certFile: %s\n  httpsServer.keyFile: %s\n", made.Cert, made.Key)
	fmt.Fprintf(&text, "Keep the keys out of version control.\n\nTo trust it:\n")
	absolute, err := filepath.Abs(made.Trust)
	if err != nil {
		return err
	}
	printTable(&text, [][]string{
		{"  curl", "curl --cacert " + made.Trust + " https://localhost:4443/api/status"},
		{"  Node.js", "NODE_EXTRA_CA_CERTS=" + absolute + " node …"},
		{"  Debian, Ubuntu", "sudo cp " + made.Trust + " /usr/local/share/ca-certificates/actionhero.crt && sudo update-ca-certificates"},
		{"  Fedora", "sudo trust anchor " + absolute},
		{"  Chromium", "certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n actionhero -i " + made.Trust},
		{"  macOS", "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain " + made.Trust},
		{"  Windows", "certutil -addstore -f ROOT " + made.Trust},
		{"  Firefox", "Settings, Privacy & Security, View Certificates, Authorities, Import"},
	})
	_, err = io.WriteString(out, text.String())
	return err
}
