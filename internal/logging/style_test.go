package logging

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/logstyle"
)

// style returns the attribute of these names.
func style(t *testing.T, names ...string) slog.Attr {
	t.Helper()
	var all logstyle.Style
	for _, name := range names {
		s, ok := logstyle.Named(name)
		if !ok {
			t.Fatalf("there is no style %q", name)
		}
		all |= s
	}
	return slog.Any("", all)
}

func TestATerminalShowsTheStyleOfAMessage(t *testing.T) {
	t.Parallel()
	const info, green = slog.LevelInfo, "\x1b[1;32m"
	for name, test := range map[string]struct{ got, want string }{
		"one":      {handle(t, coloured, info, "done", style(t, "red")), "\x1b[31mdone\x1b[0m\n"},
		"two":      {handle(t, coloured, info, "done", style(t, "green", "bold")), green + "done\x1b[0m\n"},
		"apart":    {handle(t, coloured, info, "done", style(t, "green"), "n", 1, style(t, "bold")), green + "done\x1b[0m | \x1b[36mn\x1b[0m: 1\n"},
		"bracket":  {handle(t, coloured, info, "[x]", style(t, "gray"), "n", 1), "\x1b[90m[x]\x1b[0m \x1b[36mn\x1b[0m: 1\n"},
		"no text":  {handle(t, coloured, info, "", style(t, "green"), "n", 1), "\x1b[36mn\x1b[0m: 1\n"},
		"level":    {handle(t, coloured, slog.LevelWarn, "done", style(t, "bold")), "\x1b[33mWARN\x1b[0m | \x1b[1mdone\x1b[0m\n"},
		"no style": {handle(t, coloured, info, "done"), "done\n"},
	} {
		if _, got, _ := strings.Cut(test.got, "\x1b[0m | "); got != test.want { // after the time
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// A logger that has a style styles all its messages, and its siblings have none.
func TestALoggerMayHaveAStyle(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(coloured(&out))
	styled := log.With(style(t, "blue"), "n", 1).WithGroup("g")
	styled.Info("one", "m", 2, style(t, "bold"))
	log.Info("two")
	lines := strings.Split(out.String(), "\n")
	if !strings.HasSuffix(lines[0], " | \x1b[1;34mone\x1b[0m | \x1b[36mn\x1b[0m: 1 | \x1b[36mg.m\x1b[0m: 2") || !strings.HasSuffix(lines[1], " | two") {
		t.Errorf("%q", lines)
	}
}

// Without colours, in JSON and in the handlers of slog, a line with a style is the line without it.
func TestOnlyTerminalsShowStyles(t *testing.T) {
	t.Parallel()
	plainText := func(out io.Writer) slog.Handler { return slog.NewTextHandler(out, nil) }
	for name, make := range map[string]func(io.Writer) slog.Handler{"human": human, "JSON": asJSON, "slog": plainText} {
		s := style(t, "green", "bold")
		for _, args := range [][]any{{}, {"n", 1}, {"n", 1.5, "x", "y"}} {
			want := handle(t, make, slog.LevelInfo, "done", args...)
			if got := handle(t, make, slog.LevelInfo, "done", append([]any{s}, args...)...); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
			if got := handle(t, make, slog.LevelInfo, "done", append(args[:len(args):len(args)], s)...); got != want {
				t.Errorf("%s, at the end: %q, want %q", name, got, want)
			}
		}
		var with, without bytes.Buffer
		slog.New(make(&with)).With(s).WithGroup("g").Warn("x", "n", 1, s)
		slog.New(make(&without)).WithGroup("g").Warn("x", "n", 1)
		cut := func(b *bytes.Buffer) string { return b.String()[max(strings.Index(b.String(), "WARN"), 0):] } // without the time
		if cut(&with) != cut(&without) {
			t.Errorf("%s: %q, want %q", name, &with, &without)
		}
	}
}

// A style does not open the terminal to the escape codes of a client.
func TestAStyledMessageIsEscaped(t *testing.T) {
	t.Parallel()
	got := handle(t, coloured, slog.LevelInfo, "hello \x1b[31m\u009b31m\nforged", style(t, "green"))
	if !strings.HasSuffix(got, "\x1b[32mhello \\x1b[31m\\u009b31m\\nforged\x1b[0m\n") {
		t.Errorf("%q", got)
	}
}

// Lines without a style, as those of requests, cost no allocation for it.
func TestStylesCostOtherLinesNothing(t *testing.T) {
	log := slog.New(&humanHandler{out: &lineWriter{w: io.Discard}, color: true})
	jsonLog := slog.New(asJSON(io.Discard))
	for name, l := range map[string]*slog.Logger{"human": log, "JSON": jsonLog} {
		if n := testing.AllocsPerRun(100, func() { l.LogAttrs(t.Context(), slog.LevelInfo, "done", slog.Int("n", 1), slog.String("a", "b")) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
