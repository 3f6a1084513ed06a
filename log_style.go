package actionhero

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/actionhero-go/actionhero/internal/logstyle"
	"github.com/actionhero-go/actionhero/internal/near"
)

// Style returns an attribute that styles the message of a log record on a terminal:
//
//	api.Log().Info("Loading complete!", actionhero.Style("green", "bold"))
//
// The styles are bold, dim, italic, underline, inverse and strikethrough, and the colours black, red, green, yellow, blue,
// magenta, cyan, white and gray. Of several colours, a terminal shows the last one in this list. A logger with the attribute
// styles all its messages: api.Log().With(actionhero.Style("dim")).
//
// Only the console of the server shows styles, if it is a terminal, NO_COLOR is not set and TERM is not "dumb". Log files,
// JSON and the handlers of package slog leave the attribute out. An unknown name styles nothing: instead, the record has the attribute
// "!BADSTYLE", in every handler, so that a test or a look at the log finds it.
func Style(names ...string) slog.Attr {
	var style logstyle.Style
	for _, name := range names {
		s, ok := logstyle.Named(name)
		if !ok {
			return slog.String("!BADSTYLE", unknownStyle(name))
		}
		style |= s
	}
	if style == 0 {
		return slog.Attr{}
	}
	return slog.Any("", style)
}

func unknownStyle(name string) string {
	if meant := near.Name(name, logstyle.Names()); meant != "" {
		return fmt.Sprintf("there is no style %q: did you mean %q?", name, meant)
	}
	return fmt.Sprintf("there is no style %q: use %s", name, strings.Join(logstyle.Names(), ", "))
}
