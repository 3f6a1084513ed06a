package actionhero_test

import (
	"log/slog"
	"os"

	"github.com/actionhero-go/actionhero"
)

// On a terminal, the message is green and bold. Log files, JSON and other handlers have the message alone.
func ExampleStyle() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("Loading complete!", "actions", 12, actionhero.Style("green", "bold"))
	// Output: {"level":"INFO","msg":"Loading complete!","actions":12}
}
