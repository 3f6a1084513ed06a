package actionhero_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/actionhero-go/actionhero"
)

// A misspelt style is visible in every handler, with the name that was probably meant.
func TestAnUnknownStyleIsNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"gren": `msg=done !BADSTYLE="there is no style \"gren\": did you mean \"green\"?"` + "\n",
		"zzz":  `msg=done !BADSTYLE="there is no style \"zzz\": use bold, dim, italic, underline, inverse, strikethrough, black, red, green, yellow, blue, magenta, cyan, white, gray, grey"` + "\n",
		"":     "msg=done\n", // no name at all
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		}}))
		names := []string{"bold", name}
		if name == "" {
			names = nil
		}
		log.Info("done", actionhero.Style(names...))
		if got := out.String(); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
